package io.backstop.store.s3;

import io.backstop.snapshot.store.ObjectNames;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStoreProvider;
import io.backstop.snapshot.store.StorageAddressException;
import software.amazon.awssdk.awscore.defaultsmode.DefaultsMode;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.regions.providers.AwsProfileRegionProvider;
import software.amazon.awssdk.regions.providers.AwsRegionProviderChain;
import software.amazon.awssdk.regions.providers.SystemSettingsRegionProvider;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;

import java.net.URI;
import java.net.URISyntaxException;
import java.time.Clock;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Opens {@code s3://bucket[/prefix]} and {@code s3://bucket[/prefix]@http(s)://endpoint}, each perhaps with the lock that is
 * asked for at its end, {@code ?lock=governance:30d}. Credentials and region come from the AWS SDK's own chains. Stateless, thread-safe.
 */
public final class S3ObjectStoreProvider implements ObjectStoreProvider {
    /** A bucket's name as S3 allows it, an optional prefix, an optional endpoint, an optional lock. */
    private static final Pattern ADDRESS =
            Pattern.compile("s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[A-Za-z0-9._%=-]+)*)/?"
                    + "(?:@(https?://[^?]+))?(?:\\?(.*))?");

    private static final Pattern SHORT_BUCKET = Pattern.compile("s3://([a-z0-9]{1,2})(?:[/@].*)?");

    /** For {@link java.util.ServiceLoader}. */
    public S3ObjectStoreProvider() {}

    @Override
    public String scheme() {
        return "s3";
    }

    @Override
    public ObjectStore open(String address) {
        return open(address, StoreTimeouts.DEFAULT);
    }

    static ObjectStore open(String address, StoreTimeouts timeouts) {
        Matcher parts = ADDRESS.matcher(address);
        if (!parts.matches()) {
            Matcher tooShort = SHORT_BUCKET.matcher(address);
            if (tooShort.matches()) {
                throw StorageAddressException.unusable("the bucket's name \"" + tooShort.group(1)
                        + "\" in the storage address is too short, S3 allows 3 to 63 characters");
            }
            // The text is not repeated whole: credentials may stand where an endpoint should.
            throw StorageAddressException.unusable("the storage address \""
                    + StorageAddressException.withoutCredentials(address) + "\" is not one that can be used");
        }
        String prefix = parts.group(2).isEmpty() ? "" : prefix(parts.group(2).substring(1)) + "/";
        Optional<URI> endpoint = Optional.ofNullable(parts.group(3)).map(S3ObjectStoreProvider::endpoint);
        Optional<LockSetting> lock = Optional.ofNullable(parts.group(4)).map(LockSetting::parse);
        // The place is the same, whatever is asked of it.
        String place = address.substring(0, parts.group(4) == null ? address.length() : parts.start(4) - 1);
        return new S3ObjectStore(
                parts.group(1), prefix, place, lock, Clock.systemUTC(), timeouts, () -> client(endpoint, timeouts));
    }

    private static String prefix(String parts) {
        try {
            return ObjectNames.checked(parts);
        } catch (IllegalArgumentException e) {
            StorageAddressException refused = StorageAddressException.unusable(
                    "the prefix \"" + parts + "\" of an s3 storage address leads elsewhere");
            refused.initCause(e);
            throw refused;
        }
    }

    private static URI endpoint(String text) {
        try {
            URI uri = new URI(text);
            if (uri.getHost() == null
                    || uri.getUserInfo() != null
                    || uri.getQuery() != null
                    || uri.getFragment() != null) {
                throw StorageAddressException.unusable("the endpoint of an s3 storage address has to be a host and "
                        + "perhaps a port and a path; credentials come from the environment");
            }
            return uri;
        } catch (URISyntaxException e) {
            // Its message would repeat the text.
            throw StorageAddressException.unusable("the endpoint of an s3 storage address is not a URL");
        }
    }

    private static S3Client client(Optional<URI> endpoint, StoreTimeouts timeouts) {
        S3ClientBuilder builder = S3Client.builder()
                .defaultsMode(DefaultsMode.STANDARD)
                .forcePathStyle(true)
                // The HTTP client of the JDK loses requests while it waits for an answer to its announcement.
                .serviceConfiguration(r -> r.expectContinueEnabled(false))
                .httpClientBuilder(UrlConnectionHttpClient.builder()
                        .connectionTimeout(timeouts.connect())
                        .socketTimeout(timeouts.silence()))
                .overrideConfiguration(
                        r -> r.apiCallAttemptTimeout(timeouts.attempt(0)).apiCallTimeout(timeouts.call(0)));
        endpoint.ifPresent(uri -> builder.endpointOverride(uri)
                .region(configuredRegion())
                .putAuthScheme(new KnownContentSigning())
                // Not every server that speaks S3 knows the trailing checksums; the manifest has its own.
                .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED));
        return builder.build();
    }

    /**
     * A server of one's own has no regions, but a signature names one. It is not looked for on the network, which the SDK
     * would do for as long as nobody answers there.
     */
    private static Region configuredRegion() {
        try {
            return new AwsRegionProviderChain(new SystemSettingsRegionProvider(), new AwsProfileRegionProvider())
                    .getRegion();
        } catch (SdkClientException e) {
            return Region.US_EAST_1;
        }
    }
}
