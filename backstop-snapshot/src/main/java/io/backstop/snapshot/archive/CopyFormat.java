package io.backstop.snapshot.archive;

import io.backstop.api.snapshot.SnapshotManifest;

import java.util.Arrays;
import java.util.Locale;

/**
 * The formats in which COPY writes the rows of a snapshot (PostgreSQL documentation, COPY, File Formats). Each stored
 * chunk is a COPY stream of its own: {@link #head()}, rows, {@link #tail()}; or those that continue each other are one
 * together. Immutable, thread-safe.
 */
public enum CopyFormat {
    /** One line for each row, in the encoding that the manifest names. */
    TEXT {
        @Override
        public byte[] head() {
            return new byte[0];
        }

        @Override
        public byte[] tail() {
            return new byte[0];
        }
    },
    /** As the types' send functions write the values; faster to write and to read. */
    BINARY {
        /** The signature, no flags, no extension of the header. */
        @Override
        public byte[] head() {
            return new byte[] {'P', 'G', 'C', 'O', 'P', 'Y', '\n', (byte) 0xff, '\r', '\n', 0, 0, 0, 0, 0, 0, 0, 0, 0};
        }

        @Override
        public byte[] tail() {
            return new byte[] {-1, -1};
        }
    };

    /** The bytes before the first row of a chunk. */
    public abstract byte[] head();

    /** The bytes after the last row of a chunk. */
    public abstract byte[] tail();

    /** The format of a snapshot's rows. */
    public static CopyFormat of(SnapshotManifest manifest) {
        return valueOf(manifest.copyFormat().toUpperCase(Locale.ROOT));
    }

    static boolean knows(String word) {
        return Arrays.stream(values()).anyMatch(format -> format.word().equals(word));
    }

    /** As the manifest says it. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The options of COPY, in parentheses. In binary there is none for the encoding: text comes in the session's, which
     * has to be UTF8 as the database's is, or the rows would not be binary.
     *
     * @param encoding by PostgreSQL's name, which is letters, digits and underscores
     */
    public String options(String encoding) {
        return switch (this) {
            case TEXT -> "(FORMAT text, ENCODING '" + encoding + "')";
            case BINARY -> "(FORMAT binary)";
        };
    }
}
