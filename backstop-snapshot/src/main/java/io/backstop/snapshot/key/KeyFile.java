package io.backstop.snapshot.key;

import javax.crypto.AEADBadTagException;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Base64;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A key in a file that only its owner may read: the line {@code backstop-key 1}, its id, 256 bits in Base64, and a check sum.
 * Data keys are wrapped with AES-256-GCM. Immutable, thread-safe.
 */
public final class KeyFile implements KeyProvider {
    private static final String HEAD = "backstop-key 1";
    private static final int BYTES = 32;
    private static final int LONGEST = 4096;
    private static final byte VERSION = 1;
    private static final byte[] SALT = {'B', 'K', 'F', VERSION};

    private static final Pattern CONTENT =
            Pattern.compile(HEAD + "\nid (k[0-9a-f]{16})\nkey ([A-Za-z0-9+/]{43}=)\ncheck ([0-9a-f]{16})\n");

    private static final Set<PosixFilePermission> OWNER =
            EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

    private final String id;
    private final byte[] secret;

    private KeyFile(String id, byte[] secret) {
        this.id = id;
        this.secret = secret;
    }

    /**
     * Makes a file with a new key, which its owner alone may read and write.
     *
     * @throws KeyException where the file is there already
     */
    public static KeyFile create(Path file) throws IOException {
        String id = "k" + HexFormat.of().formatHex(DataKey.random(8));
        byte[] secret = DataKey.random(BYTES);
        String content = HEAD + "\nid " + id + "\nkey " + Base64.getEncoder().encodeToString(secret) + "\ncheck "
                + check(id, secret) + "\n";
        List<FileAttribute<?>> attributes =
                isPosix() ? List.of(PosixFilePermissions.asFileAttribute(OWNER)) : List.of();
        try (FileChannel channel = FileChannel.open(
                        file,
                        Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW),
                        attributes.toArray(FileAttribute<?>[]::new));
                OutputStream stream = Channels.newOutputStream(channel)) {
            stream.write(content.getBytes(StandardCharsets.US_ASCII));
            channel.force(true);
        } catch (FileAlreadyExistsException e) {
            throw new KeyException("the file " + file + " exists already", "name a file that does not exist yet");
        }
        return new KeyFile(id, secret);
    }

    /**
     * Reads one.
     *
     * @throws KeyException where it is not there, others may read or write it, or it holds no key
     */
    public static KeyFile open(Path file) throws IOException {
        byte[] content = new byte[0]; // as a folder's, and a pipe's, which may never end
        try {
            if (Files.readAttributes(file, BasicFileAttributes.class).isRegularFile()) {
                try (var stream = Files.newInputStream(file)) {
                    content = stream.readNBytes(LONGEST);
                }
            }
        } catch (NoSuchFileException e) {
            throw new KeyException(
                    "there is no key file " + file, "name the file that `backstop keys create` made, or make one");
        }
        Matcher matcher = CONTENT.matcher(new String(content, StandardCharsets.ISO_8859_1));
        if (matcher.matches()) {
            byte[] secret = Base64.getDecoder().decode(matcher.group(2));
            // Of the last character, two bits mean nothing; a file with others there is not the one that was made
            // either.
            boolean asMade = Base64.getEncoder().encodeToString(secret).equals(matcher.group(2));
            if (asMade && check(matcher.group(1), secret).equals(matcher.group(3))) {
                requireOwnerOnly(file); // only of what is a key: the hint must not lead to the rights of something else
                return new KeyFile(matcher.group(1), secret);
            }
        }
        throw new KeyException(
                "the file " + file + " holds no whole key of this version of Backstop",
                "name the file that `backstop keys create` made, or bring it back from its copy");
    }

    private static void requireOwnerOnly(Path file) throws IOException {
        if (isPosix()) {
            Set<PosixFilePermission> others = EnumSet.noneOf(PosixFilePermission.class);
            others.addAll(Files.getPosixFilePermissions(file));
            others.removeIf(permission -> permission.name().startsWith("OWNER_"));
            if (!others.isEmpty()) {
                throw new KeyException(
                        "the key file " + file + " can be used by others than its owner",
                        "take the rights away (chmod 600), and make another key if somebody may have read this one");
            }
        }
    }

    private static boolean isPosix() {
        return FileSystems.getDefault().supportedFileAttributeViews().contains("posix");
    }

    private static String check(String id, byte[] secret) {
        byte[] sum = Hkdf.hmac(Hkdf.derive(secret, SALT, "check"), id.getBytes(StandardCharsets.US_ASCII));
        return HexFormat.of().formatHex(sum, 0, 8);
    }

    @Override
    public String id() {
        return id;
    }

    @Override
    public byte[] wrap(byte[] dataKey, String context) {
        byte[] nonce = DataKey.random(AesGcm.NONCE);
        byte[] wrapped = new byte[1 + AesGcm.NONCE + dataKey.length + AesGcm.TAG];
        wrapped[0] = VERSION;
        System.arraycopy(nonce, 0, wrapped, 1, AesGcm.NONCE);
        wrapping(context).encrypt(nonce, dataKey, 0, dataKey.length, wrapped, 1 + AesGcm.NONCE);
        return wrapped;
    }

    @Override
    public byte[] unwrap(byte[] wrapped, String context) throws KeyException {
        int head = 1 + AesGcm.NONCE;
        if (wrapped.length == head + BYTES + AesGcm.TAG && wrapped[0] == VERSION) {
            byte[] dataKey = new byte[BYTES];
            try {
                wrapping(context)
                        .decrypt(
                                Arrays.copyOfRange(wrapped, 1, head), wrapped, head, wrapped.length - head, dataKey, 0);
                return dataKey;
            } catch (AEADBadTagException e) {
                // falls through: what failed is told without what is in it
            }
        }
        throw new KeyException(
                "the stored data key is not one that the key " + id + " wrapped for this snapshot",
                "bring the object back from the storage's own versions");
    }

    private AesGcm wrapping(String context) {
        return new AesGcm(Hkdf.derive(secret, SALT, "wrap"), "backstop data key\n" + id + "\n" + context);
    }
}
