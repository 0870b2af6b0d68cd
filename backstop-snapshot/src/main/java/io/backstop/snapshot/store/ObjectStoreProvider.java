package io.backstop.snapshot.store;

/**
 * Opens the stores whose addresses have one scheme. {@link ObjectStores} finds it through {@link java.util.ServiceLoader}, so
 * that an application carries the client of those stores alone that it uses. Implementations are thread-safe.
 */
public interface ObjectStoreProvider {
    /** The scheme of the addresses that it opens, in lower case: {@code s3}. */
    String scheme();

    /**
     * Opens a store without touching what it stands for.
     *
     * @param address with this provider's scheme
     * @throws StorageAddressException where the address is not one of its kind
     */
    ObjectStore open(String address);
}
