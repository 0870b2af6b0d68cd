package io.backstop.snapshot.store;

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
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Opens a store by its address, without touching what it stands for. Thread-safe. */
public final class ObjectStores {
    private static final String ACCEPTED =
            "; accepted are file:///path, s3://bucket[/prefix] and s3://bucket[/prefix]@http(s)://endpoint";

    /** A bucket's name as S3 allows it, an optional prefix, an optional endpoint. */
    private static final Pattern S3 =
            Pattern.compile("s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[A-Za-z0-9._%=-]+)*)/?(?:@(https?://.+))?");

    private ObjectStores() {}

    /**
     * @param address {@code file:///path}, {@code s3://bucket[/prefix]} or {@code
     *     s3://bucket[/prefix]@http(s)://endpoint}; credentials and region come from the AWS SDK's own chains
     * @throws IllegalArgumentException where the address is none of these
     */
    public static ObjectStore open(String address) {
        return open(address, StoreTimeouts.DEFAULT);
    }

    static ObjectStore open(String address, StoreTimeouts patience) {
        if (address.startsWith("file:")) {
            return new FileObjectStore(folder(address));
        }
        Matcher s3 = S3.matcher(address);
        if (!s3.matches()) {
            // The text is not repeated whole: credentials may stand where an endpoint should.
            throw new IllegalArgumentException("the storage address \"" + withoutCredentials(address)
                    + "\" is not one that can be used" + ACCEPTED);
        }
        String prefix = s3.group(2).isEmpty() ? "" : prefix(s3.group(2).substring(1)) + "/";
        Optional<URI> endpoint = Optional.ofNullable(s3.group(3)).map(ObjectStores::endpoint);
        return new S3ObjectStore(s3.group(1), prefix, address, patience, () -> client(endpoint, patience));
    }

    private static Path folder(String address) {
        try {
            URI uri = new URI(address);
            if (uri.getPath() == null || !uri.getPath().startsWith("/") || uri.getAuthority() != null) {
                throw new IllegalArgumentException("the storage address \"" + withoutCredentials(address)
                        + "\" names no absolute path on this machine" + ACCEPTED);
            }
            return Path.of(uri);
        } catch (URISyntaxException | IllegalArgumentException | FileSystemNotFoundException e) {
            throw new IllegalArgumentException(
                    "the storage address \"" + withoutCredentials(address)
                            + "\" is not a file URL (a space is written %20)" + ACCEPTED,
                    e);
        }
    }

    private static String prefix(String parts) {
        try {
            return ObjectNames.checked(parts);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "the prefix \"" + parts + "\" of an s3 storage address leads elsewhere" + ACCEPTED, e);
        }
    }

    private static URI endpoint(String text) {
        try {
            URI uri = new URI(text);
            if (uri.getHost() == null
                    || uri.getUserInfo() != null
                    || uri.getQuery() != null
                    || uri.getFragment() != null) {
                throw new IllegalArgumentException("the endpoint of an s3 storage address has to be a host and perhaps "
                        + "a port and a path; credentials come from the environment" + ACCEPTED);
            }
            return uri;
        } catch (URISyntaxException e) {
            // Its message would repeat the text.
            throw new IllegalArgumentException("the endpoint of an s3 storage address is not a URL" + ACCEPTED);
        }
    }

    private static String withoutCredentials(String address) {
        return address.replaceAll("//[^/@]*:[^/@]*@", "//***@");
    }

    private static S3Client client(Optional<URI> endpoint, StoreTimeouts patience) {
        S3ClientBuilder builder = S3Client.builder()
                .defaultsMode(DefaultsMode.STANDARD)
                .forcePathStyle(true)
                // The HTTP client of the JDK loses requests while it waits for an answer to its announcement.
                .serviceConfiguration(r -> r.expectContinueEnabled(false))
                .httpClientBuilder(UrlConnectionHttpClient.builder()
                        .connectionTimeout(patience.connect())
                        .socketTimeout(patience.silence()))
                .overrideConfiguration(
                        r -> r.apiCallAttemptTimeout(patience.attempt(0)).apiCallTimeout(patience.call(0)));
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
