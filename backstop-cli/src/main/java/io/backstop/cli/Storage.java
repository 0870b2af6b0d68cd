package io.backstop.cli;

import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import picocli.CommandLine.Option;

/** The option that names the storage. */
final class Storage {
    @Option(
            names = "--storage",
            required = true,
            paramLabel = "ADDRESS",
            defaultValue = "${env:BACKSTOP_STORAGE}",
            description = "Where snapshots are kept: file:///folder, s3://bucket[/prefix][@http(s)://endpoint]"
                    + " [BACKSTOP_STORAGE].")
    private String address = "";

    String address() {
        return address;
    }

    ObjectStore open() {
        return ObjectStores.open(address);
    }
}
