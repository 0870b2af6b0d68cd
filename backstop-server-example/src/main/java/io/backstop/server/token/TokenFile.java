package io.backstop.server.token;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/**
 * A file of tokens and their scopes, read again when its time, size, identity or permissions change. Only its owner may
 * have permissions on it. If a changed file cannot be used, the previous tokens stay in force and the log has an error,
 * once for each change. Thread-safe.
 */
public final class TokenFile {
    private static final Logger LOG = LoggerFactory.getLogger(TokenFile.class);
    private static final int MAX_BYTES = 1 << 20;

    private static final Set<PosixFilePermission> OTHERS = EnumSet.of(
            PosixFilePermission.GROUP_READ,
            PosixFilePermission.GROUP_WRITE,
            PosixFilePermission.GROUP_EXECUTE,
            PosixFilePermission.OTHERS_READ,
            PosixFilePermission.OTHERS_WRITE,
            PosixFilePermission.OTHERS_EXECUTE);

    private final Path file;
    private volatile Loaded loaded;

    private TokenFile(Path file) throws InvalidTokenFileException {
        this.file = file;
        Optional<Stamp> stamp = stamp(file); // taken before reading, so that a change in between is seen next time
        this.loaded = new Loaded(read(file), stamp);
    }

    /**
     * Opens a token file.
     *
     * @throws InvalidTokenFileException if the file cannot be read, others than its owner have permissions on it, or it
     *     is not a token file; the message names the entry and never a token
     */
    public static TokenFile open(Path file) throws InvalidTokenFileException {
        return new TokenFile(file);
    }

    /** The caller that presents this token; empty for an unknown one. Reads the file again if it changed. */
    public Optional<Caller> caller(String token) {
        if (!stamp(file).equals(loaded.stamp())) {
            reload();
        }
        return loaded.tokens().caller(token);
    }

    private synchronized void reload() {
        Optional<Stamp> stamp = stamp(file);
        if (stamp.equals(loaded.stamp())) {
            return;
        }
        try {
            loaded = new Loaded(read(file), stamp);
            LOG.info("token file {} was read again", file);
        } catch (InvalidTokenFileException e) {
            loaded = new Loaded(loaded.tokens(), stamp);
            LOG.error("the changed token file cannot be used, the tokens before it stay in force: {}", e.getMessage());
        }
    }

    private static TokenSet read(Path file) throws InvalidTokenFileException {
        checkRights(file);
        byte[] text;
        try (InputStream stream = Files.newInputStream(file)) {
            text = stream.readNBytes(MAX_BYTES + 1);
        } catch (IOException e) {
            throw new InvalidTokenFileException(
                    "token file " + file + " cannot be read: it has to be a file that this user may read");
        }
        if (text.length > MAX_BYTES) {
            throw new InvalidTokenFileException("token file " + file + " is larger than " + MAX_BYTES + " bytes");
        }
        return TokenFileReader.read(text, file.toString());
    }

    private static void checkRights(Path file) throws InvalidTokenFileException {
        Set<PosixFilePermission> rights;
        try {
            rights = Files.getPosixFilePermissions(file);
        } catch (UnsupportedOperationException e) {
            throw new InvalidTokenFileException("token file " + file
                    + " is on a file system that does not tell who may read it; keep it on one that does");
        } catch (IOException e) {
            throw new InvalidTokenFileException(
                    "token file " + file + " cannot be read: it has to exist, and its folder to be open to this user");
        }
        if (rights.stream().anyMatch(OTHERS::contains)) {
            throw new InvalidTokenFileException("token file " + file + " is open to others than its owner ("
                    + PosixFilePermissions.toString(rights) + "); chmod 600 closes it");
        }
    }

    /** Empty if the file is missing or its attributes cannot be read. */
    private static Optional<Stamp> stamp(Path file) {
        try {
            PosixFileAttributes attributes = Files.readAttributes(file, PosixFileAttributes.class);
            return Optional.of(new Stamp(
                    attributes.lastModifiedTime(),
                    attributes.size(),
                    String.valueOf(attributes.fileKey()),
                    attributes.permissions()));
        } catch (IOException | UnsupportedOperationException e) {
            return Optional.empty();
        }
    }

    private record Loaded(TokenSet tokens, Optional<Stamp> stamp) {}

    private record Stamp(FileTime modified, long size, String key, Set<PosixFilePermission> rights) {}
}
