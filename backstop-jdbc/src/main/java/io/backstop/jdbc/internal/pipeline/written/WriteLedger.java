package io.backstop.jdbc.internal.pipeline.written;

import java.util.HashMap;
import java.util.Map;

/**
 * What is accounted for of the rows that a session's transaction has changed: what comes on top was changed by something that
 * nobody judged. Read and written within the session's turn; {@link #isOpen} is read by any thread.
 */
public final class WriteLedger {
    private final int process;
    private final boolean flushes;

    /** Whether the server's statistics hold nothing of earlier transactions when the next begins. */
    private boolean flushed;

    private boolean known;

    /** Whether something was left open since all was accounted for. */
    private volatile boolean pending;

    private boolean mayWrite;

    /** Whether it may change definitions, too. */
    private boolean mayDefine;

    /** Whether something that was left open goes on to the end of the transaction, whenever it is looked at. */
    private volatile boolean goesOn;

    /** Rows by their table's oid. A table stays in it when its lock was given back: its counter does not go back. */
    private final Map<Long, Long> accounted = new HashMap<>();

    private final Map<Long, Long> accountedInserts = new HashMap<>();

    /**
     * @param process the server process that the driver was told of; behind a pooler another one answers
     * @param flushes whether the server can be told to begin the next transaction with no statistics of those before
     */
    public WriteLedger(int process, boolean flushes) {
        this.process = process;
        this.flushes = flushes;
    }

    /** No transaction of the caller's is open. */
    public void begin() {
        known = flushed;
        accounted.clear();
        accountedInserts.clear();
        goesOn = false;
        close();
    }

    /**
     * The counters of the open transaction may have begun anew: what was accounted for would hide as much. What was left open
     * is still to be looked at.
     */
    public void beginAnew() {
        accounted.clear();
        accountedInserts.clear();
        flushed = false;
        known &= pending;
    }

    private void close() {
        pending = false;
        mayWrite = false;
        mayDefine = false;
    }

    /** Whether it is known what the transaction had changed before what is to be accounted for. */
    public boolean isKnown() {
        return known;
    }

    /**
     * A statement is sent of which nobody counts what it changes. What was left open has been looked at before; or the
     * transaction has failed since, and is looked at when it goes on.
     */
    public void lost() {
        known &= pending;
        flushed = false;
    }

    /**
     * A statement is sent that is to change no row that is there; whether that is so is looked at before the commit.
     *
     * @param writes whether it may insert rows
     * @param defines whether it may change definitions
     */
    public void leaveOpen(boolean writes, boolean defines) {
        pending = true;
        mayWrite |= writes;
        mayDefine |= defines;
        flushed = false;
    }

    /** What was left open is a cursor or a portal, and goes on whenever it is fetched from. */
    public void goesOn() {
        goesOn = true;
    }

    /** Whether something was left open that may insert rows. */
    public boolean mayWrite() {
        return mayWrite;
    }

    /** Whether something was left open that may change definitions. */
    public boolean mayDefine() {
        return mayDefine;
    }

    /** Whether something was left open. */
    public boolean isOpen() {
        return pending || goesOn;
    }

    /** A statement is sent, and what it changes will be accounted for. */
    public void counting() {
        flushed = false;
    }

    /** All that the transaction has changed so far is accounted for. */
    public void account(WrittenRows written) {
        accounted.putAll(written.byTable());
        accountedInserts.putAll(written.inserted());
        known = true;
        close();
        flushed = flushes && written.process() == process;
    }

    /** The rows that were updated or deleted and nobody has accounted for, by their table's oid. */
    public Map<Long, Long> unaccounted(WrittenRows written) {
        return beyond(written.byTable(), accounted);
    }

    /** The same of rows that were inserted. */
    public Map<Long, Long> unaccountedInserts(WrittenRows written) {
        return beyond(written.inserted(), accountedInserts);
    }

    /** The rows that were inserted since, by their table's oid. */
    public static Map<Long, Long> insertsSince(WrittenRows before, WrittenRows written) {
        return beyond(written.inserted(), before.inserted());
    }

    private static Map<Long, Long> beyond(Map<Long, Long> byTable, Map<Long, Long> accounted) {
        Map<Long, Long> more = new HashMap<>();
        byTable.forEach((table, rows) -> {
            long difference = rows - accounted.getOrDefault(table, 0L);
            if (difference > 0) {
                more.put(table, difference);
            }
        });
        return more;
    }
}
