package io.backstop.jdbc.internal.analysis.command;

import io.backstop.api.analysis.CommandTag;
import io.backstop.jdbc.internal.analysis.grammar.CommandReader;
import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.query.QueryReader;
import io.backstop.jdbc.internal.analysis.scan.Keyword;

import java.util.EnumMap;
import java.util.Map;

/** Every command of PostgreSQL 13 to 19 by its first word. Immutable, thread-safe. */
final class CommandTable implements CommandReader {
    private final Map<Keyword, CommandReader> readers = new EnumMap<>(Keyword.class);

    CommandTable() {
        add(
                new QueryReader(),
                Keyword.SELECT,
                Keyword.VALUES,
                Keyword.TABLE,
                Keyword.WITH,
                Keyword.INSERT,
                Keyword.UPDATE,
                Keyword.DELETE,
                Keyword.MERGE);
        add(new TruncateReader(), Keyword.TRUNCATE);
        add(new DropReader(), Keyword.DROP);
        add(new AlterReader(), Keyword.ALTER);
        add(new CreateReader(), Keyword.CREATE);
        add(new CopyReader(), Keyword.COPY);
        readers.put(Keyword.EXPLAIN, new ExplainReader(this));
        add(new PreparedStatementReader(), Keyword.PREPARE, Keyword.EXECUTE, Keyword.DEALLOCATE);
        add(new CursorCommandReader(), Keyword.DECLARE, Keyword.FETCH, Keyword.MOVE, Keyword.CLOSE);
        add(new SettingReader(), Keyword.SET, Keyword.RESET, Keyword.SHOW);
        add(
                new TransactionReader(),
                Keyword.BEGIN,
                Keyword.START,
                Keyword.COMMIT,
                Keyword.END,
                Keyword.ROLLBACK,
                Keyword.ABORT,
                Keyword.SAVEPOINT,
                Keyword.RELEASE);
        add(
                new MaintenanceReader(),
                Keyword.VACUUM,
                Keyword.ANALYZE,
                Keyword.ANALYSE,
                Keyword.CLUSTER,
                Keyword.REPACK,
                Keyword.REINDEX,
                Keyword.REFRESH,
                Keyword.LOCK,
                Keyword.CHECKPOINT);
        add(
                new SessionCommandReader(),
                Keyword.DISCARD,
                Keyword.LISTEN,
                Keyword.NOTIFY,
                Keyword.UNLISTEN,
                Keyword.WAIT,
                Keyword.LOAD);
        add(
                new GrantReader(),
                Keyword.GRANT,
                Keyword.REVOKE,
                Keyword.REASSIGN,
                Keyword.COMMENT,
                Keyword.SECURITY,
                Keyword.IMPORT);
        add(new CallReader(), Keyword.CALL, Keyword.DO);
    }

    private void add(CommandReader reader, Keyword... words) {
        for (Keyword word : words) {
            readers.put(word, reader);
        }
    }

    @Override
    public CommandTag read(TokenCursor cursor, StatementReading reading) {
        CommandReader reader = readers.get(cursor.keyword());
        if (reader == null && cursor.atSymbol('(')) {
            reader = readers.get(Keyword.SELECT);
        }
        if (reader == null) {
            throw new NotUnderstoodException("no command begins like this");
        }
        return reader.read(cursor, reading);
    }
}
