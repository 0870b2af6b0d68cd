package io.backstop.api.internal.postgres;

/** The numbers of transactions. Stateless. */
public final class TransactionIds {
    private static final long LOWER_HALF = 0xFFFF_FFFFL;

    private TransactionIds() {}

    /**
     * The number of which rows have the lower half: the first that is not before another.
     *
     * @param earlier as {@code pg_current_xact_id} gives it, unsigned
     * @param inRows as {@code xmin} has it
     */
    public static long notBefore(long earlier, String inRows) {
        return earlier + ((Long.parseLong(inRows) - earlier) & LOWER_HALF);
    }

    /**
     * What a transaction is called in the rows that it makes ({@code xmin}, PostgreSQL documentation, 5.5): the lower half of
     * its number.
     *
     * @param id as {@code pg_current_xact_id} gives it
     */
    public static String inRows(String id) {
        return Long.toString(Long.parseUnsignedLong(id) & LOWER_HALF);
    }
}
