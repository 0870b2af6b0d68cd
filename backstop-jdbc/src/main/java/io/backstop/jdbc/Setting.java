package io.backstop.jdbc;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/** The driver's settings: URL parameters or connection properties with the prefix {@code backstop.}. Names are permanent. */
enum Setting {
    POLICY("policy", "a policy file, or one of the profiles strict, application, read-only, monitor [strict]"),
    STORAGE("storage", "where snapshots are kept: file:///folder, s3://bucket[/prefix][@http(s)://endpoint]"),
    VERIFICATION(
            "verification",
            "read to read every stored object back before the statement runs, or checksum to take the storage's word "
                    + "where it keeps SHA-256 checksums [read]"),
    KEY(
            "key",
            "the key that snapshots are encrypted and authenticated under: a key file, aws-kms://… or vault://… [none: they"
                    + " are neither]"),
    CONTROL(
            "control",
            "the control store: a file, or jdbc:postgresql://… for many hosts [backstop.db in BACKSTOP_HOME or ~/.backstop]"),
    AGENT_ID("agentId", "who sends the statements [unknown, who is never put in quarantine]"),
    MODE("mode", "enforce, or monitor to judge and record only [enforce]"),
    APPROVAL(
            "approval",
            "retry to fail at once where an approval is needed, or wait to block until it is given [retry]"),
    APPROVAL_TIMEOUT("approvalTimeout", "how many seconds an approval can be decided and, once given, used [900]"),
    OPERATORS(
            "operators",
            "the file of the operators' public keys, which the user of this process cannot write [none: decisions need no"
                    + " signature]"),
    ENVIRONMENT("environment", "a name for this environment, part of the database's name in approvals and audit"),
    CLUSTER_ID("clusterId", "a name for this PostgreSQL cluster, in place of its host and port");

    static final String PREFIX = "backstop.";

    private final String name;
    private final String description;

    Setting(String name, String description) {
        this.name = name;
        this.description = description;
    }

    /** With the prefix. */
    String key() {
        return PREFIX + name;
    }

    String description() {
        return description;
    }

    static Optional<Setting> of(String key) {
        return Arrays.stream(values())
                .filter(setting -> setting.key().equals(key))
                .findFirst();
    }

    static String allKeys() {
        return Arrays.stream(values()).map(Setting::key).collect(Collectors.joining(", "));
    }
}
