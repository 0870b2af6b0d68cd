package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.recovery.internal.copyback.PresentTable;
import io.backstop.recovery.internal.text.SqlFragments;
import io.backstop.recovery.internal.text.SqlScript;
import io.backstop.recovery.internal.validate.RestoredMark;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Writes a copyback script from two names alone, without a look at the database or the snapshot. The script finds out
 * when it runs what it could not know before, refuses if it cannot decide, and says what it does not do. Stateless,
 * thread-safe.
 */
public final class OfflineCopybackScript {
    private static final String HEADER = """
            Copyback plan by Backstop from %s to %s, written from the two names alone.
            NOT LOOKED AT: neither the database nor the snapshot. So it is not known whether %s is what
            the snapshot holds (`backstop restore-validate` tells), nor what hung on %s.
            Nothing of this has been run: read it, then run it as a whole, as a superuser or as the owner of
            the tables. It is one transaction; if a statement fails, nothing is changed (in psql, use
            -X -v ON_ERROR_STOP=1). It decides by what it finds, and tells what it did by notices:
              the target is gone: the recovered table takes its name. Original names of constraints, indexes
                and sequences, owner, grants, views, triggers, policies and other tables' foreign keys do not
                come back by this.
              the target is there: rows whose primary key it lacks are inserted, with its triggers off. Rows
                that it has with other values are counted and left as they are.
              the target has other columns, is partitioned, or has rows and no primary key: refused.
            `backstop restore-copyback-plan --db … --storage …` looks at both and writes the exact script.""";

    /** Names without a schema are looked up in the search path of who runs it. Names of the catalog cannot be shadowed. */
    private static final String BODY = """
            DECLARE
                source CONSTANT regclass := {source};
                target CONSTANT regclass := to_regclass({target});
                target_schema CONSTANT text := {targetSchema};
                target_name CONSTANT text := {targetName};
                stored text;
                stored_of_saved text;
                stored_of_present text;
                unfit text;
                same_key text;
                occupied boolean;
                inserted bigint;
                differing bigint;
                item record;
                switch_on text[] := '{}';
                statement text;
            BEGIN
                IF target IS NULL THEN
                    IF target_schema IS NOT NULL THEN
                        EXECUTE format('ALTER TABLE %s SET SCHEMA %I', source, target_schema);
                    END IF;
                    EXECUTE format('ALTER TABLE %s RENAME TO %I', source, target_name);
                    EXECUTE (SELECT format('COMMENT ON %s %s IS %L',
                                           CASE relkind WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, source,
                                           nullif(regexp_replace(pg_catalog.obj_description(oid, 'pg_class'),
                                                                 {mark}, ''), ''))
                             FROM pg_catalog.pg_class WHERE oid = source);
                    RAISE NOTICE '% was gone: the recovered table has its name now', target_name;
                    RETURN;
                END IF;
                IF source = target THEN
                    RAISE EXCEPTION '% is the recovered table itself', target;
                END IF;
                IF (SELECT relkind FROM pg_catalog.pg_class WHERE oid = target) <> 'r' THEN
                    RAISE EXCEPTION '% is not an ordinary table', target;
                END IF;
                EXECUTE format('LOCK TABLE ONLY %s IN SHARE ROW EXCLUSIVE MODE', target);

                -- which columns: all that were stored, and the target has to take every one of them as it is
                SELECT coalesce('(' || string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum) || ')', ''),
                       coalesce(string_agg(format('saved.%I', a.attname), ', ' ORDER BY a.attnum), ''),
                       coalesce(string_agg(format('present.%I', a.attname), ', ' ORDER BY a.attnum), ''),
                       string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum) FILTER (WHERE NOT EXISTS (
                           SELECT FROM pg_catalog.pg_attribute b
                           WHERE b.attrelid = target AND b.attname = a.attname AND NOT b.attisdropped
                             AND b.attgenerated = '' AND b.atttypid = a.atttypid AND b.atttypmod = a.atttypmod))
                INTO stored, stored_of_saved, stored_of_present, unfit
                FROM pg_catalog.pg_attribute a
                WHERE a.attrelid = source AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '';
                IF unfit IS NOT NULL THEN
                    RAISE EXCEPTION '% has no longer the same columns: %', target, unfit;
                END IF;

                -- which rows are the same: those that the primary key's own operators call equal
                SELECT string_agg(format('present.%I OPERATOR(%I.%s) saved.%I',
                                         a.attname, n.nspname, o.oprname, a.attname), ' AND ')
                INTO same_key
                FROM pg_catalog.pg_index i
                CROSS JOIN LATERAL generate_series(0, i.indnkeyatts - 1) AS k
                JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k]
                JOIN pg_catalog.pg_opclass p ON p.oid = i.indclass[k]
                JOIN pg_catalog.pg_amop m ON m.amopfamily = p.opcfamily AND m.amopstrategy = 3
                     AND m.amoplefttype = p.opcintype AND m.amoprighttype = p.opcintype
                JOIN pg_catalog.pg_operator o ON o.oid = m.amopopr
                JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
                WHERE i.indrelid = target AND i.indisprimary;
                IF same_key IS NULL THEN
                    EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %s)', target) INTO occupied;
                    IF occupied THEN
                        RAISE EXCEPTION '% is not empty and has no primary key: which rows are missing cannot be told',
                            target;
                    END IF;
                    same_key := 'false';
                END IF;

                -- rows come back as they were stored: the target's own triggers are off meanwhile
                FOR item IN SELECT tgname, tgenabled FROM pg_catalog.pg_trigger
                            WHERE tgrelid = target AND tgenabled <> 'D'
                              AND {usersTrigger} LOOP
                    EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', target, item.tgname);
                    switch_on := switch_on || format('ALTER TABLE %s ENABLE %sTRIGGER %I', target,
                        CASE item.tgenabled WHEN 'A' THEN 'ALWAYS ' WHEN 'R' THEN 'REPLICA ' ELSE '' END, item.tgname);
                END LOOP;
                EXECUTE format('SELECT count(*) FROM ONLY %s AS present JOIN ONLY %s AS saved ON %s '
                               'WHERE ROW(%s)::text IS DISTINCT FROM ROW(%s)::text',
                               target, source, same_key, stored_of_present, stored_of_saved) INTO differing;
                EXECUTE format('INSERT INTO %s %s OVERRIDING SYSTEM VALUE SELECT %s FROM ONLY %s AS saved '
                               'WHERE NOT EXISTS (SELECT FROM ONLY %s AS present WHERE %s)',
                               target, stored, stored_of_saved, source, target, same_key);
                GET DIAGNOSTICS inserted = ROW_COUNT;
                SET CONSTRAINTS ALL IMMEDIATE;
                FOREACH statement IN ARRAY switch_on LOOP
                    EXECUTE statement;
                END LOOP;

                -- new rows go on after the highest number in use
                FOR item IN SELECT s.seqrelid::regclass AS name, a.attname, s.seqmin, s.seqmax
                            FROM pg_catalog.pg_depend d
                            JOIN pg_catalog.pg_sequence s ON s.seqrelid = d.objid AND s.seqincrement > 0
                            JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                            WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refobjid = target
                              AND d.refclassid = d.classid AND d.deptype IN ('a', 'i')
                              AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype,
                                                 'numeric'::regtype) LOOP
                    EXECUTE format('SELECT setval(%L, reached) FROM (SELECT greatest(CASE WHEN is_called THEN '
                                   'last_value END, (SELECT max(%I)::bigint FROM %s WHERE %I BETWEEN %s AND %s)) '
                                   'AS reached FROM %s) AS numbers WHERE reached IS NOT NULL',
                                   item.name, item.attname, target, item.attname, item.seqmin, item.seqmax, item.name);
                END LOOP;
                RAISE NOTICE '% rows were put back into %; % that differ were left as they are',
                    inserted, target, differing;
            END""";

    private static final Pattern PLACE = Pattern.compile("\\{[a-zA-Z]+\\}");

    private OfflineCopybackScript() {}

    /** All in one pass: what is put in may look like a place itself. */
    private static String filled(Map<String, String> values) {
        return PLACE.matcher(BODY)
                .replaceAll(place -> Matcher.quoteReplacement(values.getOrDefault(place.group(), place.group())));
    }

    /** The script, to be read and then run in psql or as one string through JDBC. */
    public static String script(RelationName source, RelationName target) {
        SqlScript script = new SqlScript();
        script.begin();
        script.note(HEADER.formatted(source, target, source, target));
        script.settings();
        script.run("DO "
                + SqlFragments.dollarQuoted(filled(Map.of(
                        "{mark}", SqlSpelling.literal(RestoredMark.SQL_PATTERN),
                        "{usersTrigger}", PresentTable.USERS_TRIGGER,
                        "{targetSchema}",
                                target.schema().map(SqlSpelling::literal).orElse("NULL"),
                        "{targetName}", SqlSpelling.literal(target.name()),
                        "{target}", SqlSpelling.literal(target.quoted()),
                        "{source}", SqlSpelling.literal(source.quoted())))));
        script.part("from here on all of it is visible, or none");
        script.commit();
        script.part("once you have seen that everything is right, where the rows were put back:");
        script.commentOut("DROP TABLE " + source.quoted());
        return script.toString();
    }
}
