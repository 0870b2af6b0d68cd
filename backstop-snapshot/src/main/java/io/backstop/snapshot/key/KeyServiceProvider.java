package io.backstop.snapshot.key;

/**
 * Opens the keys of one kind of key service. {@link KeyProviders} finds it through {@link java.util.ServiceLoader}, so that an
 * application carries the client of that service alone which it uses. Implementations are thread-safe.
 */
public interface KeyServiceProvider {
    /** The scheme of the addresses that it opens, in lower case: {@code vault}. */
    String scheme();

    /**
     * Opens a key without asking the service.
     *
     * @param address with this provider's scheme
     * @throws KeyException where the address is not one of its kind
     */
    KeyProvider open(String address) throws KeyException;
}
