package io.backstop.store.s3;

import io.backstop.snapshot.store.LockedObjectException;
import io.backstop.snapshot.store.ObjectLock;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.ListObjectVersionsResponse;
import software.amazon.awssdk.services.s3.model.ObjectLockLegalHoldStatus;
import software.amazon.awssdk.services.s3.model.S3Exception;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Removes objects with their versions. A bucket that keeps versions answers a plain removal by hiding the object behind a
 * marker, be it locked or not: it would look removed, and its content would be there. Thread-safe.
 */
final class S3Versions {
    private final String bucket;
    private final String address;
    private final Clock clock;
    private final Supplier<S3Client> client;

    S3Versions(String bucket, String address, Clock clock, Supplier<S3Client> client) {
        this.bucket = bucket;
        this.address = address;
        this.clock = clock;
        this.client = client;
    }

    /** Removes an object, first the older versions, so that a removal that was stopped leaves what is still listed. */
    void remove(String key, String name) throws IOException {
        Optional<HeadObjectResponse> present;
        try {
            present = head(key, Optional.empty());
        } catch (S3Exception e) {
            if (e.statusCode() != S3Failures.FORBIDDEN) {
                throw failure(name, e);
            }
            present = Optional.of(HeadObjectResponse.builder().build()); // who may not look may still remove
        } catch (SdkException | UncheckedIOException e) {
            throw failure(name, e);
        }
        if (present.isEmpty()) {
            return;
        }
        requireUnlocked(present.get(), name);
        if (present.get().versionId() == null) {
            removePlainly(key, name);
        } else {
            removeVersions(key, name);
        }
    }

    private void removePlainly(String key, String name) throws IOException {
        boolean hidden;
        try {
            hidden = Boolean.TRUE.equals(
                    client.get().deleteObject(r -> r.bucket(bucket).key(key)).deleteMarker());
        } catch (SdkException | UncheckedIOException e) {
            throw failure(name, e);
        }
        if (hidden) {
            throw new IOException("\"" + name + "\" in " + address + " is hidden and not removed: its bucket keeps"
                    + " versions, and did not say so");
        }
    }

    private void removeVersions(String key, String name) throws IOException {
        List<Version> versions;
        try {
            versions = versions(key);
        } catch (S3Exception e) {
            if (S3Failures.isUnknown(e)) {
                removePlainly(key, name); // it names versions and keeps none
                return;
            }
            throw refused(name, e, "s3:ListBucketVersions is not allowed");
        } catch (SdkException | UncheckedIOException e) {
            throw failure(name, e);
        }
        for (Version version : versions) {
            remove(key, name, version);
        }
    }

    private void remove(String key, String name, Version version) throws IOException {
        try {
            client.get().deleteObject(r -> r.bucket(bucket).key(key).versionId(version.id()));
        } catch (S3Exception e) {
            if (e.statusCode() < S3Failures.SERVER_ERROR && !version.marker()) {
                requireUnlocked(key, name, version);
            }
            throw refused(
                    name,
                    e,
                    "s3:DeleteObjectVersion is not allowed, or it is locked, which s3:GetObjectRetention would tell");
        } catch (SdkException | UncheckedIOException e) {
            throw failure(name, e);
        }
    }

    private void requireUnlocked(String key, String name, Version version) throws LockedObjectException {
        try {
            Optional<HeadObjectResponse> present = head(key, Optional.of(version.id()));
            if (present.isPresent()) {
                requireUnlocked(present.get(), name);
            }
        } catch (SdkException | UncheckedIOException e) {
            // The refusal itself is told.
        }
    }

    private void requireUnlocked(HeadObjectResponse object, String name) throws LockedObjectException {
        Optional<ObjectLock> lock = lock(object, name);
        if (lock.isPresent()) {
            throw new LockedObjectException(address, lock.get());
        }
    }

    /** As a look at the object tells it, to those who have {@code s3:GetObjectRetention}. */
    Optional<ObjectLock> lock(HeadObjectResponse object, String name) {
        if (object.objectLockLegalHoldStatus() == ObjectLockLegalHoldStatus.ON) {
            return Optional.of(new ObjectLock(name, Optional.empty()));
        }
        return Optional.ofNullable(object.objectLockRetainUntilDate())
                .filter(until -> until.isAfter(clock.instant()))
                .map(until -> new ObjectLock(name, Optional.of(until)));
    }

    /** Empty where there is none of that key and version. */
    private Optional<HeadObjectResponse> head(String key, Optional<String> version) {
        try {
            return Optional.of(client.get().headObject(r -> {
                r.bucket(bucket).key(key);
                version.ifPresent(r::versionId);
            }));
        } catch (S3Exception e) {
            if (e.statusCode() == S3Failures.NOT_FOUND) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** The same where an answer of 403 means that there is none: who may not list is told nothing else. */
    Optional<HeadObjectResponse> look(String key, Optional<String> version) {
        try {
            return head(key, version);
        } catch (S3Exception e) {
            if (e.statusCode() == S3Failures.FORBIDDEN) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** The present one last. Keys come in order, and those that begin with this one after it. */
    private List<Version> versions(String key) {
        List<Version> found = new ArrayList<>();
        for (ListObjectVersionsResponse page :
                client.get().listObjectVersionsPaginator(r -> r.bucket(bucket).prefix(key))) {
            page.versions().stream()
                    .filter(version -> version.key().equals(key))
                    .forEach(version -> found.add(new Version(
                            version.versionId(),
                            version.lastModified(),
                            Boolean.TRUE.equals(version.isLatest()),
                            false)));
            page.deleteMarkers().stream()
                    .filter(marker -> marker.key().equals(key))
                    .forEach(marker -> found.add(new Version(
                            marker.versionId(), marker.lastModified(), Boolean.TRUE.equals(marker.isLatest()), true)));
            if (!key.equals(page.nextKeyMarker())) {
                break;
            }
        }
        found.sort(Comparator.comparing(Version::present).thenComparing(Version::at));
        return found;
    }

    private IOException failure(String name, RuntimeException cause) {
        return S3Failures.of("remove \"" + name + "\" in " + address, cause);
    }

    private IOException refused(String name, S3Exception cause, String reason) {
        return cause.statusCode() == S3Failures.FORBIDDEN
                ? new IOException(
                        "cannot remove \"" + name + "\" in " + address + ", whose bucket keeps versions: " + reason,
                        cause)
                : failure(name, cause);
    }

    private record Version(String id, Instant at, boolean present, boolean marker) {}
}
