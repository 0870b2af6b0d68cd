package io.backstop.store.s3;

import java.time.Duration;

/**
 * How long a store on the network is waited for. Locks are held meanwhile.
 *
 * @param connect for a connection
 * @param silence for the next byte of an answer
 * @param attempt for one attempt at a request
 * @param mebibyte for one attempt in addition, for each MiB that it moves
 * @param attempts how many attempts' time all those at one request have, pauses and all
 */
record StoreTimeouts(Duration connect, Duration silence, Duration attempt, Duration mebibyte, int attempts) {
    static final StoreTimeouts DEFAULT = new StoreTimeouts(
            Duration.ofSeconds(5), Duration.ofSeconds(30), Duration.ofMinutes(1), Duration.ofSeconds(1), 3);

    Duration attempt(long bytes) {
        return attempt.plus(mebibyte.multipliedBy(bytes >> 20));
    }

    Duration call(long bytes) {
        return attempt(bytes).multipliedBy(attempts);
    }
}
