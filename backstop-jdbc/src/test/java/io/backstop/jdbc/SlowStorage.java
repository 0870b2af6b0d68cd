package io.backstop.jdbc;

import io.backstop.api.snapshot.SnapshotService;
import io.backstop.api.snapshot.SnapshotServiceProvider;
import io.backstop.api.snapshot.SnapshotSettings;

import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** A class path on which the storage takes as long to open as the test wants. */
final class SlowStorage extends ClassLoader {
    private static final String SERVICE = "META-INF/services/" + SnapshotServiceProvider.class.getName();

    private final URL service;
    private final CountDownLatch opens = new CountDownLatch(1);

    SlowStorage(Path folder) throws IOException {
        super(SlowStorage.class.getClassLoader());
        Path file = Files.writeString(folder.resolve("provider"), Provider.class.getName());
        this.service = file.toUri().toURL();
    }

    /** Lets what waits for the storage go on. */
    void open() {
        opens.countDown();
    }

    @Override
    public Enumeration<URL> getResources(String name) throws IOException {
        if (!name.equals(SERVICE)) {
            return super.getResources(name);
        }
        try {
            opens.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
        return Collections.enumeration(List.of(service));
    }

    /** Made by the service loader. */
    public static final class Provider implements SnapshotServiceProvider {
        @Override
        public SnapshotService open(SnapshotSettings settings) {
            return new FakeSnapshots();
        }
    }
}
