package io.backstop.snapshot.key;

import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.ServiceLoader;

/**
 * Opens a key by its address. Key files are known here; keys of services come from the {@link KeyServiceProvider}s on the
 * class path. Thread-safe.
 */
public final class KeyProviders {
    private static final String HINT =
            "name a key file, aws-kms://KEY[@https://endpoint] or vault://MOUNT/KEY[@https://host:port]";

    private KeyProviders() {}

    /**
     * @param address the path of a key file, {@code file:///path}, {@code aws-kms://key[@http(s)://endpoint]} or {@code
     *     vault://mount/key[@http(s)://host:port]}
     * @throws KeyException where the address is none of these, the module for it is absent, or the file holds no key
     */
    public static KeyProvider open(String address) throws IOException {
        int end = address.indexOf("://");
        if (end < 0) {
            return file(address);
        }
        String scheme = address.substring(0, end);
        if (scheme.equals("file")) {
            return fileOfUrl(address);
        }
        Optional<KeyServiceProvider> provider = provider(scheme);
        if (provider.isPresent()) {
            return provider.get().open(address);
        }
        // The text is not repeated: credentials may stand in it.
        throw KeyModule.of(scheme)
                .map(module -> new KeyException(
                        "a key address that begins with \"" + scheme + "://\" needs " + module.artifact()
                                + ", which is not on the class path",
                        "add " + module.artifact() + " to the application"))
                .orElseGet(() -> new KeyException(
                        "there is no kind of key whose address begins with \"" + printable(scheme) + "://\"", HINT));
    }

    private static KeyProvider file(String path) throws IOException {
        try {
            return KeyFile.open(Path.of(path));
        } catch (InvalidPathException e) {
            throw new KeyException("the name of the key file is not a path on this machine", HINT);
        }
    }

    private static KeyProvider fileOfUrl(String url) throws IOException {
        try {
            return KeyFile.open(Path.of(URI.create(url)));
        } catch (IllegalArgumentException | FileSystemNotFoundException e) {
            throw new KeyException("the address of the key file is not a file URL (a space is written %20)", HINT);
        }
    }

    private static String printable(String scheme) {
        return scheme.replaceAll("[^A-Za-z0-9+.-]", "?");
    }

    /** Beside this class, where Backstop's other modules are, whichever class loader the calling thread has. */
    private static Optional<KeyServiceProvider> provider(String scheme) {
        return ServiceLoader.load(KeyServiceProvider.class, KeyProviders.class.getClassLoader()).stream()
                .map(ServiceLoader.Provider::get)
                .filter(provider -> provider.scheme().equals(scheme))
                .findFirst();
    }
}
