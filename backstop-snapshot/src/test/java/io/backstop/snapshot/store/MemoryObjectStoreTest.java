package io.backstop.snapshot.store;

/** The tests' own store keeps to the contract too. */
class MemoryObjectStoreTest extends ObjectStoreContract {
    @Override
    protected ObjectStore store() {
        return new MemoryObjectStore();
    }

    @Override
    protected ObjectStore again(ObjectStore store) {
        return store;
    }
}
