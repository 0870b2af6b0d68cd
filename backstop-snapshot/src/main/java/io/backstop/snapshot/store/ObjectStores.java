package io.backstop.snapshot.store;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.ServiceLoader;

/**
 * Opens a store by its address, without touching what it stands for. Folders are known here; stores of other schemes come
 * from the {@link ObjectStoreProvider}s on the class path. Thread-safe.
 */
public final class ObjectStores {
    private static final String FILE = "file";

    private ObjectStores() {}

    /**
     * @param address {@code file:///path}, {@code s3://bucket[/prefix]} or {@code
     *     s3://bucket[/prefix]@http(s)://endpoint}, each of the latter two perhaps with {@code ?lock=governance:30d} at its end;
     *     credentials and region come from the AWS SDK's own chains
     * @throws StorageAddressException where the address is none of these, or the module for it is absent
     */
    public static ObjectStore open(String address) {
        String scheme = address.substring(0, Math.max(0, address.indexOf(':')));
        if (scheme.equals(FILE)) {
            return new FileObjectStore(folder(address));
        }
        Optional<ObjectStoreProvider> provider = provider(scheme);
        if (provider.isPresent()) {
            return provider.get().open(address);
        }
        throw StoreModule.of(scheme)
                .map(module -> StorageAddressException.withoutModule(address, module))
                // The text is not repeated whole: credentials may stand where an endpoint should.
                .orElseGet(() -> StorageAddressException.unusable("the storage address \""
                        + StorageAddressException.withoutCredentials(address) + "\" is not one that can be used"));
    }

    /** Beside this class, where Backstop's other modules are, whichever class loader the calling thread has. */
    private static Optional<ObjectStoreProvider> provider(String scheme) {
        return ServiceLoader.load(ObjectStoreProvider.class, ObjectStores.class.getClassLoader()).stream()
                .map(ServiceLoader.Provider::get)
                .filter(provider -> provider.scheme().equals(scheme))
                .findFirst();
    }

    private static Path folder(String address) {
        try {
            URI uri = new URI(address);
            if (uri.getQuery() != null && uri.getQuery().startsWith("lock")) {
                throw StorageAddressException.unusableLock(
                        "the storage address \"" + StorageAddressException.withoutCredentials(address)
                                + "\" asks a folder for \"" + uri.getQuery() + "\", and a folder can lock nothing");
            }
            if (uri.getPath() == null || !uri.getPath().startsWith("/") || uri.getAuthority() != null) {
                throw StorageAddressException.unusable(
                        "the storage address \"" + StorageAddressException.withoutCredentials(address)
                                + "\" names no absolute path on this machine");
            }
            return Path.of(uri);
        } catch (StorageAddressException e) {
            throw e;
        } catch (URISyntaxException | IllegalArgumentException | FileSystemNotFoundException e) {
            StorageAddressException refused = StorageAddressException.unusable(
                    "the storage address \"" + StorageAddressException.withoutCredentials(address)
                            + "\" is not a file URL (a space is written %20)");
            refused.initCause(e);
            throw refused;
        }
    }
}
