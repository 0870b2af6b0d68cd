package io.backstop.snapshot.store;

/** A storage address that does not lead to a store. Its message holds no credentials. */
public final class StorageAddressException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;
    private static final String ACCEPTED =
            "; accepted are file:///path, s3://bucket[/prefix] and s3://bucket[/prefix]@http(s)://endpoint";

    private final String hint;

    private StorageAddressException(String message, String hint) {
        super(message);
        this.hint = hint;
    }

    /** An address that means nothing; what is accepted is added to the problem. */
    public static StorageAddressException unusable(String problem) {
        return new StorageAddressException(problem + ACCEPTED, "set backstop.storage to an address that is accepted");
    }

    /** An address that leads to a store and asks it for something that is not a lock. */
    public static StorageAddressException unusableLock(String problem) {
        return new StorageAddressException(
                problem,
                "end the address of a bucket in ?lock=governance:30d or ?lock=compliance:30d, or ask for no lock");
    }

    static StorageAddressException withoutModule(String address, StoreModule module) {
        return new StorageAddressException(
                "the storage address \"" + withoutCredentials(address) + "\" needs " + module.artifact()
                        + ", which is not on the class path",
                "add " + module.artifact() + " to the application");
    }

    /** The hint: what to do next. */
    public String hint() {
        return hint;
    }

    /** The address as messages may repeat it: credentials may stand where a host should. */
    public static String withoutCredentials(String address) {
        return address.replaceAll("//[^/@]*:[^/@]*@", "//***@");
    }
}
