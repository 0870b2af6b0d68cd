package io.backstop.snapshot.store;

/** The tests' own store keeps to the contract too. */
class MemoryObjectStoreTest extends ObjectStoreContract {
    @Override
    ObjectStore store() {
        return new MemoryObjectStore();
    }

    @Override
    ObjectStore again(ObjectStore store) {
        return store;
    }
}
