package io.backstop.store.s3;

import io.backstop.snapshot.store.ContentHash;
import io.backstop.snapshot.store.InDoubtException;
import io.backstop.snapshot.store.LockedObjectException;
import io.backstop.snapshot.store.StorageProtection;
import io.backstop.snapshot.store.StorageProtection.Answer;
import io.backstop.snapshot.store.StoreExecutor;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.BucketVersioningStatus;
import software.amazon.awssdk.services.s3.model.DefaultRetention;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.ObjectLockConfiguration;
import software.amazon.awssdk.services.s3.model.ObjectLockEnabled;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.S3Exception;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * The Object Lock of a bucket: whether it is there, and whether it holds. A server may take a lock with an object and forget
 * it, so one object is locked and its removal tried. It serves until its lock ends, to every process, and another one takes
 * its place then. Thread-safe.
 */
final class S3Lock {
    /** What is locked for trial, below the prefix of the address. */
    static final String TRIAL = "probe/locked";

    private static final byte[] CONTENT = "locked".getBytes(StandardCharsets.US_ASCII);
    private static final int DAYS_OF_YEAR = 365;
    private static final String NO_LOCK = "ObjectLockConfigurationNotFoundError";

    /** A server keeps seconds. */
    private static final Duration ROUNDED = Duration.ofMinutes(1);

    /** An earlier trial whose lock ends sooner may end by the server's clock while it is looked at. */
    private static final Duration MARGIN = Duration.ofHours(1);

    private final String bucket;
    private final String trial;
    private final String address;
    private final Optional<LockSetting> asked;
    private final Clock clock;
    private final Supplier<S3Client> client;
    private final S3Versions versions;
    private final ReentrantLock turn = new ReentrantLock();
    private volatile boolean holds;

    /** @param prefix of the address */
    S3Lock(
            String bucket,
            String prefix,
            String address,
            Optional<LockSetting> asked,
            Clock clock,
            Supplier<S3Client> client,
            S3Versions versions) {
        this.bucket = bucket;
        this.trial = prefix + TRIAL;
        this.address = address;
        this.asked = asked;
        this.clock = clock;
        this.client = client;
        this.versions = versions;
    }

    /** Asks for the lock with what is stored. */
    void apply(PutObjectRequest.Builder request) {
        asked.ifPresent(
                lock -> request.objectLockMode(lock.mode()).objectLockRetainUntilDate(lock.until(clock.instant())));
    }

    /** Once it was found to hold, it is not asked for again. One thread asks for all that need it. */
    void require() throws IOException {
        if (asked.isEmpty() || holds) {
            return;
        }
        try {
            turn.lockInterruptibly();
        } catch (InterruptedException e) {
            throw StoreExecutor.interrupted(e);
        }
        try {
            if (!holds) {
                requireConfigured(asked.get());
                tryOut(asked.get());
                holds = true;
            }
        } catch (SdkException | UncheckedIOException e) {
            throw S3Failures.of("try " + wanted(asked.get()), e);
        } finally {
            turn.unlock();
        }
    }

    /** A server that keeps the lock of one object may still forget that of another. */
    void requireLocked(String key, String name) throws IOException {
        if (asked.isEmpty()) {
            return;
        }
        try {
            // Of a capture that took long, the first objects were stored long ago.
            Instant until = clock.instant().plus(MARGIN);
            if (versions.look(key, Optional.empty())
                    .filter(object -> isLocked(object, asked.get(), until))
                    .isEmpty()) {
                throw new IOException(wanted(asked.get()) + " was asked for with \"" + name
                        + "\", and the server does not say that it is locked");
            }
        } catch (SdkException | UncheckedIOException e) {
            throw S3Failures.of("look at the lock of \"" + name + "\"", e);
        }
    }

    private void requireConfigured(LockSetting lock) throws IOException {
        Answer configured;
        try {
            configured = configuration().isPresent() ? Answer.YES : Answer.NO;
        } catch (S3Exception e) {
            if (S3Failures.isUnknown(e)) {
                throw new IOException(
                        wanted(lock) + " is asked for, but this server has none; use one that has Object"
                                + " Lock, or leave ?lock= out of the address",
                        e);
            }
            if (e.statusCode() != S3Failures.FORBIDDEN) {
                throw S3Failures.of("ask for " + wanted(lock), e);
            }
            configured = Answer.UNKNOWN; // the trial tells
        } catch (SdkException | UncheckedIOException e) {
            throw S3Failures.of("ask for " + wanted(lock), e);
        }
        if (configured == Answer.NO) {
            throw new IOException(wanted(lock) + " is asked for, but the bucket has no Object Lock; enable it there, or"
                    + " leave ?lock= out of the address");
        }
    }

    private void tryOut(LockSetting lock) throws IOException {
        Optional<HeadObjectResponse> present = versions.look(trial, Optional.empty());
        if (present.filter(object -> isLocked(object, lock, clock.instant().plus(MARGIN)))
                .isEmpty()) {
            if (present.isPresent()) {
                removeEarlier();
            }
            Instant until = lock.until(clock.instant());
            lockTrial(lock, until);
            present = versions.look(trial, Optional.empty());
            if (present.filter(object -> isLocked(object, lock, until.minus(ROUNDED)))
                    .isEmpty()) {
                throw new IOException(
                        wanted(lock) + " was asked for with \"" + TRIAL + "\", and the server does not say"
                                + " that it is locked: it ignores locks, or s3:GetObjectRetention is not allowed");
            }
        }
        requireRefusal(lock, present.orElseThrow());
    }

    private static boolean isLocked(HeadObjectResponse object, LockSetting lock, Instant until) {
        return object.objectLockMode() == lock.mode()
                && object.versionId() != null
                && object.objectLockRetainUntilDate() != null
                && object.objectLockRetainUntilDate().isAfter(until);
    }

    private void removeEarlier() throws IOException {
        try {
            versions.remove(trial, TRIAL);
        } catch (LockedObjectException e) {
            // Under another lock than the one that is asked for now.
        } catch (InDoubtException e) {
            throw e;
        } catch (IOException e) {
            // Who may not remove leaves an older version: one in the time of a lock.
        }
    }

    private void lockTrial(LockSetting lock, Instant until) throws IOException {
        PutObjectRequest request = PutObjectRequest.builder()
                .bucket(bucket)
                .key(trial)
                .checksumSHA256(ContentHash.of(ByteBuffer.wrap(CONTENT)).base64())
                .objectLockMode(lock.mode())
                .objectLockRetainUntilDate(until)
                .build();
        try {
            client.get().putObject(request, RequestBody.fromBytes(CONTENT));
        } catch (S3Exception e) {
            throw S3Failures.of(
                    "store \"" + TRIAL + "\" with " + wanted(lock)
                            + ", for which the bucket needs Object Lock and this role s3:PutObjectRetention",
                    e);
        }
    }

    /** Servers refuse in several ways; what counts is that the object is there afterwards. */
    private void requireRefusal(LockSetting lock, HeadObjectResponse locked) throws IOException {
        try {
            client.get().deleteObject(r -> r.bucket(bucket).key(trial).versionId(locked.versionId()));
        } catch (S3Exception e) {
            if (e.statusCode() >= S3Failures.SERVER_ERROR) {
                throw e;
            }
        }
        if (versions.look(trial, Optional.of(locked.versionId())).isEmpty()) {
            throw new IOException(
                    wanted(lock) + " does not hold: the server removed \"" + TRIAL + "\" although it was locked");
        }
    }

    private String wanted(LockSetting lock) {
        return "the lock (" + lock.words() + ") of " + address;
    }

    /** Empty where the bucket has none. */
    private Optional<ObjectLockConfiguration> configuration() {
        try {
            return Optional.ofNullable(client.get()
                            .getObjectLockConfiguration(r -> r.bucket(bucket))
                            .objectLockConfiguration())
                    .filter(found -> found.objectLockEnabled() == ObjectLockEnabled.ENABLED);
        } catch (S3Exception e) {
            if (e.statusCode() == S3Failures.NOT_FOUND
                    && e.awsErrorDetails() != null
                    && e.awsErrorDetails().errorCode().equals(NO_LOCK)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** What the bucket says of itself. */
    StorageProtection protection() throws IOException {
        try {
            Answer kept = kept();
            Answer lock;
            Optional<ObjectLockConfiguration> found = Optional.empty();
            try {
                found = configuration();
                lock = found.isPresent() ? Answer.YES : Answer.NO;
            } catch (S3Exception e) {
                lock = answer(e);
            }
            return new StorageProtection(
                    kept,
                    lock,
                    found.flatMap(one -> Optional.ofNullable(one.rule()))
                            .flatMap(rule -> Optional.ofNullable(rule.defaultRetention()))
                            .map(S3Lock::words),
                    asked.map(LockSetting::words));
        } catch (SdkException | UncheckedIOException e) {
            throw S3Failures.of("ask how " + address + " protects its objects", e);
        }
    }

    private Answer kept() {
        try {
            return client.get().getBucketVersioning(r -> r.bucket(bucket)).status() == BucketVersioningStatus.ENABLED
                    ? Answer.YES
                    : Answer.NO;
        } catch (S3Exception e) {
            return answer(e);
        }
    }

    private static Answer answer(S3Exception e) {
        if (S3Failures.isUnknown(e)) {
            return Answer.NO;
        }
        if (e.statusCode() == S3Failures.FORBIDDEN) {
            return Answer.UNKNOWN;
        }
        throw e;
    }

    private static String words(DefaultRetention retention) {
        Integer days = retention.days();
        Integer years = retention.years();
        int all = days != null ? days : years != null ? years * DAYS_OF_YEAR : 0;
        return LockSetting.words(retention.modeAsString(), all);
    }
}
