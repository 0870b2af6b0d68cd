package io.backstop.key.kms;

import io.backstop.snapshot.key.KeyEndpoint;
import io.backstop.snapshot.key.KeyException;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.key.KeyServiceProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.kms.KmsClient;
import software.amazon.awssdk.services.kms.KmsClientBuilder;

import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Opens {@code aws-kms://KEY} and {@code aws-kms://KEY@http(s)://endpoint}, where KEY is the ARN of a key or an alias, {@code
 * alias/name} or a key's id. Credentials come from the AWS SDK's own chain, and so does the region where no ARN names it.
 * Stateless, thread-safe.
 */
public final class AwsKmsKeyProvider implements KeyServiceProvider {
    private static final String SCHEME = "aws-kms";

    private static final Pattern ADDRESS = Pattern.compile(SCHEME + "://([A-Za-z0-9][A-Za-z0-9:/_-]*)(?:@(.+))?");
    private static final Pattern ARN = Pattern.compile("arn:[a-z0-9-]+:kms:([a-z0-9-]+):.+");

    /** For {@link java.util.ServiceLoader}. */
    public AwsKmsKeyProvider() {}

    @Override
    public String scheme() {
        return SCHEME;
    }

    @Override
    public KeyProvider open(String address) throws KeyException {
        return open(address, Patience.DEFAULT);
    }

    static KeyProvider open(String address, Patience patience) throws KeyException {
        Matcher parts = ADDRESS.matcher(address);
        if (!parts.matches()) {
            // The text is not repeated: credentials may stand in it.
            throw new KeyException(
                    "the address of the AWS KMS key is not one that can be used",
                    "name it as aws-kms://KEY or aws-kms://KEY@https://endpoint, where KEY is the ARN of a key or an alias,"
                            + " alias/name or a key's id");
        }
        String key = parts.group(1);
        Optional<URI> endpoint =
                parts.group(2) == null ? Optional.empty() : Optional.of(KeyEndpoint.of(parts.group(2)));
        return new AwsKmsKey(key, () -> client(key, endpoint, patience));
    }

    private static KmsClient client(String key, Optional<URI> endpoint, Patience patience) {
        KmsClientBuilder builder = KmsClient.builder()
                .httpClientBuilder(UrlConnectionHttpClient.builder()
                        .connectionTimeout(patience.attempt())
                        .socketTimeout(patience.attempt()))
                .overrideConfiguration(
                        r -> r.apiCallAttemptTimeout(patience.attempt()).apiCallTimeout(patience.call()));
        Matcher arn = ARN.matcher(key);
        if (arn.matches()) {
            builder.region(Region.of(arn.group(1)));
        }
        endpoint.ifPresent(builder::endpointOverride);
        return builder.build();
    }

    /**
     * How long the service is waited for. Locks are held meanwhile.
     *
     * @param attempt for one attempt
     * @param call for all attempts at one request, pauses and all
     */
    record Patience(Duration attempt, Duration call) {
        static final Patience DEFAULT = new Patience(Duration.ofSeconds(5), Duration.ofSeconds(20));
    }
}
