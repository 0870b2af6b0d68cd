package io.backstop.jdbc.policy;

import io.backstop.api.policy.Policy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** The policies that need no file, by name. */
public final class PolicyProfiles {
    private static final Map<String, Policy> PROFILES = new TreeMap<>(Map.of(
            "strict", Policy.strict(),
            "application", Policy.application(),
            "read-only", Policy.readOnly(),
            "monitor", Policy.monitor()));

    private PolicyProfiles() {}

    /**
     * The policy that a setting names: a profile, or else a file.
     *
     * @throws InvalidPolicyException where it is neither, or the file is not a policy
     */
    public static PolicySource named(String setting) throws InvalidPolicyException {
        Policy profile = PROFILES.get(setting);
        if (profile != null) {
            return PolicySource.fixed(profile);
        }
        if (!Files.exists(Path.of(setting))) {
            throw new InvalidPolicyException(
                    "policy " + setting + " is neither a file nor one of the profiles " + PROFILES.keySet());
        }
        return FilePolicySource.open(Path.of(setting));
    }
}
