package io.backstop.snapshot.key;

import java.util.Arrays;
import java.util.Optional;

/** The modules of Backstop that bring keys of further kinds, and may be absent. */
enum KeyModule {
    AWS_KMS("aws-kms", "io.backstop:backstop-key-aws-kms"),
    VAULT("vault", "io.backstop:backstop-key-vault");

    private final String scheme;
    private final String artifact;

    KeyModule(String scheme, String artifact) {
        this.scheme = scheme;
        this.artifact = artifact;
    }

    static Optional<KeyModule> of(String scheme) {
        return Arrays.stream(values())
                .filter(module -> module.scheme.equals(scheme))
                .findFirst();
    }

    /** Group and artifact as a build names them. */
    String artifact() {
        return artifact;
    }
}
