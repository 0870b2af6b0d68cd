package io.backstop.story;

/** What is in the schema {@code app}, as the server itself words it. */
final class SchemaDefinitions {
    /** What the tables are made of and what hangs on them, a line for each definition. */
    static final String OF_TABLES = """
            SELECT format('%s column %s %s null=%s default=%s identity=%s stats=%s options=%s comment=%s', c.oid::regclass,
                       a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
                       a.attidentity, nullif(a.attstattarget, -1), a.attoptions, col_description(c.oid, a.attnum))
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
            WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p')
            UNION ALL
            SELECT format('%s constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid),
                       obj_description(oid, 'pg_constraint'))
            FROM pg_constraint WHERE connamespace = 'app'::regnamespace AND conrelid <> 0 AND contype <> 't'
            UNION ALL
            SELECT pg_get_indexdef(indexrelid) || ' replica=' || indisreplident || ' clustered=' || indisclustered
            FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = 'app'::regnamespace
            UNION ALL
            SELECT pg_get_triggerdef(t.oid) || ' ' || tgenabled::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
            WHERE NOT tgisinternal AND c.relnamespace = 'app'::regnamespace
            UNION ALL
            SELECT pg_get_ruledef(r.oid) FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
            WHERE c.relnamespace = 'app'::regnamespace AND c.relkind = 'r'
            UNION ALL
            SELECT format('policy %s %s %s %s', tablename, policyname, cmd, qual) FROM pg_policies WHERE schemaname = 'app'
            UNION ALL
            SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext WHERE stxnamespace = 'app'::regnamespace
            UNION ALL
            SELECT format('table %s security=%s force=%s owner=%s acl=%s options=%s replica=%s', oid::regclass,
                       relrowsecurity, relforcerowsecurity, relowner::regrole, relacl, reloptions, relreplident)
            FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relkind IN ('r', 'p')
            UNION ALL
            SELECT format('%s %s %s %s %s', oid::regclass, relkind, pg_get_viewdef(oid), relacl,
                       obj_description(oid, 'pg_class'))
            FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relkind IN ('v', 'm')
            UNION ALL
            SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'app'::regnamespace AND prokind = 'f'
            UNION ALL
            SELECT format('sequence %s %s %s', seqrelid::regclass, seqtypid::regtype, seqincrement)
            FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid WHERE c.relnamespace = 'app'::regnamespace
            ORDER BY 1""";

    /** What stands in the schema by itself. */
    static final String OF_OBJECTS = """
            SELECT pg_get_functiondef(oid) || proacl::text || proowner::regrole::text FROM pg_proc
            WHERE pronamespace = 'app'::regnamespace AND prokind <> 'a'
            UNION ALL
            SELECT format('%s %s', oid::regprocedure, prokind) FROM pg_proc WHERE pronamespace = 'app'::regnamespace
            UNION ALL
            SELECT format('%s %s %s %s', oid::regtype, typtype, obj_description(oid, 'pg_type'),
                       ARRAY(SELECT enumlabel FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder))
            FROM pg_type t WHERE typnamespace = 'app'::regnamespace AND typcategory <> 'A'
                AND (typrelid = 0 OR EXISTS (SELECT FROM pg_class WHERE oid = typrelid AND relkind = 'c'))
            UNION ALL
            SELECT format('%s %s %s %s', seqrelid::regclass, seqtypid::regtype, seqincrement, seqstart)
            FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid WHERE c.relnamespace = 'app'::regnamespace
            ORDER BY 1""";

    private SchemaDefinitions() {}
}
