package io.backstop.cli.option;

import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.store.FileObjectStore;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.util.Optional;

/** The option that names the storage. */
public final class StorageOption {
    @Option(
            names = "--storage",
            required = true,
            paramLabel = "ADDRESS",
            defaultValue = "${env:BACKSTOP_STORAGE}",
            description = "Where snapshots are kept: file:///folder, s3://bucket[/prefix][@http(s)://endpoint]; for a"
                    + " bucket with Object Lock, ?lock=governance:30d or ?lock=compliance:30d at the end"
                    + " [BACKSTOP_STORAGE].")
    private String address = "";

    @Mixin
    private final KeyOption key = new KeyOption();

    /** The key of its snapshots, if a file was named. */
    public Optional<KeyProvider> key() throws IOException {
        return key.key();
    }

    /** The snapshots of the storage, of which only authenticated ones give rows where a key is named. */
    public SnapshotArchive archive(ObjectStore store) throws IOException {
        return new SnapshotArchive(store, key());
    }

    public String address() {
        return address;
    }

    public ObjectStore open() {
        return ObjectStores.open(address);
    }

    /** For those who read what is there. */
    public ObjectStore openExisting() throws IOException {
        return openExisting(address);
    }

    /** A folder that is not there would look like one that holds nothing, and all of that is whole. */
    public static ObjectStore openExisting(String address) throws IOException {
        ObjectStore store = ObjectStores.open(address);
        if (store instanceof FileObjectStore files) {
            try {
                files.requireFolder();
            } catch (IOException e) {
                throw new IOException(
                        e.getMessage()
                                + "\nHINT: name the folder that snapshots are kept in; the first one that is taken makes it",
                        e);
            }
        }
        return store;
    }
}
