package io.backstop.snapshot.store;

import java.util.Arrays;
import java.util.Optional;

/** The modules of Backstop that bring stores for further addresses, and may be absent. */
enum StoreModule {
    S3("s3", "io.backstop:backstop-store-s3");

    private final String scheme;
    private final String artifact;

    StoreModule(String scheme, String artifact) {
        this.scheme = scheme;
        this.artifact = artifact;
    }

    static Optional<StoreModule> of(String scheme) {
        return Arrays.stream(values())
                .filter(module -> module.scheme.equals(scheme))
                .findFirst();
    }

    /** Group and artifact as a build names them. */
    String artifact() {
        return artifact;
    }
}
