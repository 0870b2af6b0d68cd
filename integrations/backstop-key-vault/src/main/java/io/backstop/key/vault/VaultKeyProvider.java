package io.backstop.key.vault;

import io.backstop.snapshot.key.KeyEndpoint;
import io.backstop.snapshot.key.KeyException;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.key.KeyServiceProvider;
import org.jspecify.annotations.Nullable;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Opens {@code vault://MOUNT/KEY} and {@code vault://MOUNT/KEY@http(s)://host:port}: a key of the transit engine at that mount.
 * Without a server, {@code VAULT_ADDR} names it. The token is that of {@code VAULT_TOKEN} or of the file {@code ~/.vault-token},
 * which is read at each request, and the namespace that of {@code VAULT_NAMESPACE}. Stateless, thread-safe.
 */
public final class VaultKeyProvider implements KeyServiceProvider {
    private static final String SCHEME = "vault";

    private static final Pattern ADDRESS =
            Pattern.compile(SCHEME + "://((?:[A-Za-z0-9_-]+/)+)([A-Za-z0-9_.-]+)(?:@(.+))?");

    /** For {@link java.util.ServiceLoader}. */
    public VaultKeyProvider() {}

    @Override
    public String scheme() {
        return SCHEME;
    }

    @Override
    public KeyProvider open(String address) throws KeyException {
        return open(
                address, System.getenv(), Path.of(System.getProperty("user.home"), ".vault-token"), Patience.DEFAULT);
    }

    /** @param file that holds the token where the environment does not */
    static KeyProvider open(String address, Map<String, String> environment, Path file, Patience patience)
            throws KeyException {
        Matcher parts = ADDRESS.matcher(address);
        if (!parts.matches()) {
            // The text is not repeated: credentials may stand in it.
            throw new KeyException(
                    "the address of the Vault key is not one that can be used",
                    "name it as vault://MOUNT/KEY@https://host:port, where MOUNT is the path of a transit engine");
        }
        @Nullable String server = parts.group(3) == null ? environment.get("VAULT_ADDR") : parts.group(3);
        if (server == null || server.isEmpty()) {
            throw new KeyException(
                    "the address of the Vault key names no server", "add @https://host:port, or set VAULT_ADDR");
        }
        String mount = parts.group(1);
        return new VaultKey(
                mount + parts.group(2),
                new TransitEngine(root(KeyEndpoint.of(server)), mount, parts.group(2), environment, file, patience));
    }

    private static URI root(URI server) {
        String text = server.toString();
        return URI.create(text.endsWith("/") ? text : text + "/");
    }

    /**
     * How long the server is waited for. Locks are held meanwhile.
     *
     * @param attempt for one attempt
     * @param pause before the second attempt; it doubles with each further one
     * @param attempts how many there are at most
     */
    record Patience(Duration attempt, Duration pause, int attempts) {
        static final Patience DEFAULT = new Patience(Duration.ofSeconds(4), Duration.ofMillis(200), 4);
    }
}
