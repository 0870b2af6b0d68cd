package io.backstop.snapshot.key;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Set;

/** Where a key service listens. Data keys go there in clear, so outside of this machine it has to be HTTPS. Stateless. */
public final class KeyEndpoint {
    private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");

    private KeyEndpoint() {}

    /**
     * @param text {@code https://host[:port][/path]}, or {@code http://} and a name of this machine's loopback
     * @throws KeyException where it is something else; the text is not repeated, for it may hold credentials
     */
    public static URI of(String text) throws KeyException {
        URI uri;
        try {
            uri = new URI(text);
        } catch (URISyntaxException e) {
            throw unusable("is not a URL");
        }
        if (uri.getHost() == null || uri.getUserInfo() != null || uri.getQuery() != null || uri.getFragment() != null) {
            throw unusable("has to be a host and perhaps a port and a path; credentials come from the environment");
        }
        boolean encrypted = "https".equals(uri.getScheme());
        if (!encrypted && !("http".equals(uri.getScheme()) && LOOPBACK.contains(uri.getHost()))) {
            throw unusable("is not encrypted: data keys would cross the network in clear");
        }
        return uri;
    }

    private static KeyException unusable(String why) {
        return new KeyException(
                "the endpoint of the key service " + why,
                "name it as https://host:port; http:// for this machine only");
    }
}
