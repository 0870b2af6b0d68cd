package io.backstop.snapshot.internal.catalog;

/**
 * SQL expressions over the catalog that give the statements by which an object of some kind is created, as an array of
 * text. Each names the alias of the catalog row that it expects. Written for PostgreSQL 14 to 18.
 */
public final class CreateObjectSql {
    /** Of p in pg_proc. */
    public static final String ROUTINE_KIND =
            "CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END";

    private static final String QUALIFIED = "(SELECT format('%I.%I', qn.nspname, qp.proname) FROM pg_proc qp "
            + "JOIN pg_namespace qn ON qn.oid = qp.pronamespace WHERE qp.oid = :oid)";

    /** Of p in pg_proc: a function, procedure or aggregate, with its comment. Without owner and grants. */
    public static final String ROUTINE = """
            array_remove(ARRAY[
                CASE WHEN p.prokind <> 'a' THEN rtrim(pg_get_functiondef(p.oid), E'\\n')
                ELSE (SELECT format('CREATE AGGREGATE %I.%I(%s) (', pn.nspname, p.proname,
                                    CASE WHEN p.pronargs = 0 THEN '*' ELSE pg_get_function_arguments(p.oid) END)
                          || concat_ws(', ', 'SFUNC = ' || :transition, 'STYPE = ' || format_type(g.aggtranstype, NULL),
                                'SSPACE = ' || nullif(g.aggtransspace, 0),
                                'FINALFUNC = ' || :final, CASE WHEN g.aggfinalextra THEN 'FINALFUNC_EXTRA' END,
                                CASE WHEN g.aggfinalfn <> 0 THEN 'FINALFUNC_MODIFY = ' || CASE g.aggfinalmodify
                                    WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END,
                                'COMBINEFUNC = ' || :combine, 'SERIALFUNC = ' || :serial, 'DESERIALFUNC = ' || :deserial,
                                'INITCOND = ' || quote_literal(g.agginitval),
                                'MSFUNC = ' || :moving, 'MINVFUNC = ' || :inverse,
                                CASE WHEN g.aggmtranstype <> 0 THEN 'MSTYPE = ' || format_type(g.aggmtranstype, NULL) END,
                                'MSSPACE = ' || nullif(g.aggmtransspace, 0), 'MFINALFUNC = ' || :movingFinal,
                                CASE WHEN g.aggmfinalextra THEN 'MFINALFUNC_EXTRA' END,
                                'MINITCOND = ' || quote_literal(g.aggminitval),
                                'SORTOP = OPERATOR(' || (SELECT format('%I.%s', sn.nspname, so.oprname) FROM pg_operator so
                                    JOIN pg_namespace sn ON sn.oid = so.oprnamespace WHERE so.oid = g.aggsortop) || ')',
                                'PARALLEL = ' || CASE p.proparallel WHEN 's' THEN 'SAFE' WHEN 'r' THEN 'RESTRICTED' END,
                                CASE WHEN g.aggkind = 'h' THEN 'HYPOTHETICAL' END) || ')'
                      FROM pg_aggregate g JOIN pg_namespace pn ON pn.oid = p.pronamespace WHERE g.aggfnoid = p.oid) END,
                format('COMMENT ON ROUTINE %s IS ', p.oid::regprocedure)
                    || quote_literal(obj_description(p.oid, 'pg_proc'))], NULL)
            """.replace(":transition", function("g.aggtransfn"))
            .replace(":final", function("g.aggfinalfn"))
            .replace(":combine", function("g.aggcombinefn"))
            .replace(":serial", function("g.aggserialfn"))
            .replace(":deserial", function("g.aggdeserialfn"))
            .replace(":movingFinal", function("g.aggmfinalfn"))
            .replace(":moving", function("g.aggmtransfn"))
            .replace(":inverse", function("g.aggminvtransfn"));

    /** Of o in pg_operator, with owner and comment. */
    public static final String OPERATOR = """
            array_remove(ARRAY[
                (SELECT format('CREATE OPERATOR %I.%s (', n.nspname, o.oprname)
                     || concat_ws(', ', 'FUNCTION = ' || :function,
                           CASE WHEN o.oprleft <> 0 THEN 'LEFTARG = ' || format_type(o.oprleft, NULL) END,
                           CASE WHEN o.oprright <> 0 THEN 'RIGHTARG = ' || format_type(o.oprright, NULL) END,
                           'COMMUTATOR = ' || :commutator, 'NEGATOR = ' || :negator, 'RESTRICT = ' || :restrict,
                           'JOIN = ' || :join, CASE WHEN o.oprcanmerge THEN 'MERGES' END,
                           CASE WHEN o.oprcanhash THEN 'HASHES' END) || ')'
                 FROM pg_namespace n WHERE n.oid = o.oprnamespace),
                format('ALTER OPERATOR %s OWNER TO %I', o.oid::regoperator, pg_get_userbyid(o.oprowner)),
                format('COMMENT ON OPERATOR %s IS ', o.oid::regoperator)
                    || quote_literal(obj_description(o.oid, 'pg_operator'))], NULL)
            """.replace(":function", function("o.oprcode"))
            .replace(":restrict", function("o.oprrest"))
            .replace(":join", function("o.oprjoin"))
            .replace(":commutator", operator("o.oprcom"))
            .replace(":negator", operator("o.oprnegate"));

    /** Of s in pg_foreign_server and its wrapper f in pg_foreign_data_wrapper, with owner, comment and grants. */
    public static final String SERVER =
            """
            array_remove(ARRAY[
                format('CREATE SERVER %I%s%s FOREIGN DATA WRAPPER %I%s', s.srvname, ' TYPE ' || quote_literal(s.srvtype),
                       ' VERSION ' || quote_literal(s.srvversion), f.fdwname,
                       (SELECT ' OPTIONS (' || string_agg(format('%I %L', option_name, option_value), ', ') || ')'
                        FROM pg_options_to_table(s.srvoptions))),
                format('ALTER SERVER %I OWNER TO %I', s.srvname, pg_get_userbyid(s.srvowner)),
                format('COMMENT ON SERVER %I IS ', s.srvname)
                    || quote_literal(obj_description(s.oid, 'pg_foreign_server'))], NULL)
            ||
            """ + GrantQueries.statements("format('FOREIGN SERVER %I', s.srvname)", "s.srvowner", "s.srvacl");

    /** Of t in pg_type: what PostgreSQL calls a type whose definition comes later. */
    public static final String SHELL = """
            ARRAY[format('CREATE TYPE %s', format_type(t.oid, NULL))]
            """;

    /**
     * Of k in pg_cast: that it needs nothing but a type of the user's, with which it goes and comes. Below 16384 are the types
     * that initdb made (PostgreSQL's FirstNormalObjectId).
     */
    public static final String INOUT_CAST_OF_TYPE =
            "k.castmethod = 'i' AND (k.castsource::int8 < 16384 OR k.casttarget::int8 < 16384)";

    /** Of t in pg_type: an enum, composite type, domain, range or base type, whose shell is there where it needs one. */
    public static final String TYPE = """
            CASE t.typtype
            WHEN 'e' THEN ARRAY[format('CREATE TYPE %s AS ENUM (%s)', t.oid::regtype,
                 (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_enum
                  WHERE enumtypid = t.oid))]
            WHEN 'c' THEN ARRAY[format('CREATE TYPE %s AS (%s)', t.oid::regtype,
                 (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)) || :attributeCollation,
                                    ', ' ORDER BY a.attnum)
                  FROM pg_attribute a JOIN pg_type b ON b.oid = a.atttypid
                  WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped))]
                 || ARRAY(SELECT format('COMMENT ON COLUMN %s.%I IS %L', t.oid::regtype, a.attname,
                                        col_description(a.attrelid, a.attnum))
                          FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0
                          AND col_description(a.attrelid, a.attnum) IS NOT NULL ORDER BY a.attnum)
            WHEN 'd' THEN ARRAY[format('CREATE DOMAIN %s AS %s', t.oid::regtype, format_type(t.typbasetype, t.typtypmod))
                 || (SELECT :domainCollation FROM pg_type b WHERE b.oid = t.typbasetype)
                 || coalesce(' DEFAULT ' || pg_get_expr(t.typdefaultbin, 'pg_type'::regclass), '')
                 || CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END
                 || coalesce((SELECT string_agg(format(' CONSTRAINT %I %s', conname, pg_get_constraintdef(oid)), ''
                                                ORDER BY conname)
                              FROM pg_constraint WHERE contypid = t.oid AND contype = 'c' AND convalidated), '')]
                 || ARRAY(SELECT format('ALTER DOMAIN %s ADD CONSTRAINT %I %s', t.oid::regtype, conname,
                                        pg_get_constraintdef(oid))
                          FROM pg_constraint WHERE contypid = t.oid AND contype = 'c' AND NOT convalidated ORDER BY 1)
                 || ARRAY(SELECT format('COMMENT ON CONSTRAINT %I ON DOMAIN %s IS %L', conname, t.oid::regtype,
                                        obj_description(oid, 'pg_constraint'))
                          FROM pg_constraint WHERE contypid = t.oid AND obj_description(oid, 'pg_constraint') IS NOT NULL
                          ORDER BY 1)
            WHEN 'r' THEN (SELECT ARRAY[format('CREATE TYPE %s AS RANGE (', t.oid::regtype)
                 || concat_ws(', ', 'subtype = ' || format_type(g.rngsubtype, NULL),
                       (SELECT format('subtype_opclass = %I.%I', n.nspname, c.opcname) FROM pg_opclass c
                        JOIN pg_namespace n ON n.oid = c.opcnamespace WHERE c.oid = g.rngsubopc AND NOT c.opcdefault),
                       (SELECT format('collation = %I.%I', n.nspname, c.collname) FROM pg_collation c
                        JOIN pg_namespace n ON n.oid = c.collnamespace JOIN pg_type b ON b.oid = g.rngsubtype
                        WHERE c.oid = g.rngcollation AND c.oid <> b.typcollation),
                       'canonical = ' || :canonical, 'subtype_diff = ' || :difference,
                       (SELECT format('multirange_type_name = %I.%I', n.nspname, m.typname) FROM pg_type m
                        JOIN pg_namespace n ON n.oid = m.typnamespace WHERE m.oid = g.rngmultitypid)) || ')']
                 FROM pg_range g WHERE g.rngtypid = t.oid)
            ELSE ARRAY[format('CREATE TYPE %s (', t.oid::regtype)
                 || concat_ws(', ', 'INPUT = ' || :input, 'OUTPUT = ' || :output, 'RECEIVE = ' || :receive,
                       'SEND = ' || :send, 'TYPMOD_IN = ' || :typmodIn, 'TYPMOD_OUT = ' || :typmodOut,
                       'ANALYZE = ' || :analyze, :subscript
                       'INTERNALLENGTH = ' || CASE t.typlen WHEN -1 THEN 'VARIABLE' ELSE t.typlen::text END,
                       CASE WHEN t.typbyval THEN 'PASSEDBYVALUE' END,
                       'ALIGNMENT = ' || CASE t.typalign WHEN 'c' THEN 'char' WHEN 's' THEN 'int2' WHEN 'i' THEN 'int4'
                                         ELSE 'double' END,
                       'STORAGE = ' || CASE t.typstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external'
                                       WHEN 'm' THEN 'main' ELSE 'extended' END,
                       'CATEGORY = ' || quote_literal(t.typcategory::text), 'PREFERRED = ' || t.typispreferred::text,
                       'DEFAULT = ' || quote_literal(t.typdefault),
                       'ELEMENT = ' || (SELECT format_type(e.oid, NULL) FROM pg_type e WHERE e.oid = t.typelem),
                       'DELIMITER = ' || quote_literal(t.typdelim::text),
                       CASE WHEN t.typcollation <> 0 THEN 'COLLATABLE = true' END) || ')'] END
            || array_remove(ARRAY[format('ALTER TYPE %s OWNER TO %I', t.oid::regtype, pg_get_userbyid(t.typowner)),
                   format('COMMENT ON %s %s IS ', CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, t.oid::regtype)
                       || quote_literal(obj_description(t.oid, 'pg_type'))], NULL)
            || :grants
            || ARRAY(SELECT format('CREATE CAST (%s AS %s) WITH INOUT%s', format_type(k.castsource, NULL),
                            format_type(k.casttarget, NULL), CASE k.castcontext WHEN 'i' THEN ' AS IMPLICIT'
                            WHEN 'a' THEN ' AS ASSIGNMENT' END)
                     FROM pg_cast k WHERE :inout AND t.oid IN (k.castsource, k.casttarget) ORDER BY 1)
            """.replace(":attributeCollation", collation("a.attcollation"))
            .replace(":domainCollation", collation("t.typcollation"))
            .replace(":inout", INOUT_CAST_OF_TYPE)
            .replace(":canonical", function("g.rngcanonical"))
            .replace(":difference", function("g.rngsubdiff"))
            .replace(":input", function("t.typinput"))
            .replace(":output", function("t.typoutput"))
            .replace(":receive", function("t.typreceive"))
            .replace(":send", function("t.typsend"))
            .replace(":typmodIn", function("t.typmodin"))
            .replace(":typmodOut", function("t.typmodout"))
            .replace(":analyze", function("t.typanalyze"))
            .replace(":subscript", "'SUBSCRIPT = ' || " + function("t.typsubscript") + ",")
            .replace(":grants", GrantQueries.statements("'TYPE ' || t.oid::regtype", "t.typowner", "t.typacl"));

    /** Of f in pg_opfamily. */
    public static final String OPERATOR_FAMILY = """
            ARRAY[(SELECT format('CREATE OPERATOR FAMILY %I.%I USING %I', n.nspname, f.opfname, m.amname)
                   FROM pg_namespace n, pg_am m WHERE n.oid = f.opfnamespace AND m.oid = f.opfmethod),
                  (SELECT format('ALTER OPERATOR FAMILY %I.%I USING %I OWNER TO %I', n.nspname, f.opfname, m.amname,
                                 pg_get_userbyid(f.opfowner))
                   FROM pg_namespace n, pg_am m WHERE n.oid = f.opfnamespace AND m.oid = f.opfmethod)]
            """;

    /** Of c in pg_opclass, with the members of its family that belong to it; its family is there. */
    public static final String OPERATOR_CLASS = """
            (SELECT array_remove(ARRAY[
                 format('CREATE OPERATOR CLASS %I.%I %sFOR TYPE %s USING %I FAMILY %I.%I AS ', n.nspname, c.opcname,
                        CASE WHEN c.opcdefault THEN 'DEFAULT ' END, format_type(c.opcintype, NULL), m.amname, fn.nspname,
                        f.opfname)
                 || concat_ws(', ', 'STORAGE ' || CASE WHEN c.opckeytype <> 0 THEN format_type(c.opckeytype, NULL)
                                                       WHEN members.all IS NULL THEN format_type(c.opcintype, NULL) END,
                              members.all),
                 format('ALTER OPERATOR CLASS %I.%I USING %I OWNER TO %I', n.nspname, c.opcname, m.amname,
                        pg_get_userbyid(c.opcowner)),
                 format('COMMENT ON OPERATOR CLASS %I.%I USING %I IS ', n.nspname, c.opcname, m.amname)
                     || quote_literal(obj_description(c.oid, 'pg_opclass'))], NULL)
             FROM pg_namespace n, pg_am m, pg_opfamily f, pg_namespace fn, LATERAL (
                 SELECT string_agg(member, ', ' ORDER BY kind, number, member) AS all FROM (
                     SELECT 1 AS kind, o.amopstrategy AS number,
                            format('OPERATOR %s %s', o.amopstrategy, o.amopopr::regoperator)
                                || coalesce(' FOR ORDER BY ' || (SELECT format('%I.%I', sn.nspname, sf.opfname)
                                   FROM pg_opfamily sf JOIN pg_namespace sn ON sn.oid = sf.opfnamespace
                                   WHERE sf.oid = o.amopsortfamily), '') AS member
                     FROM pg_depend d JOIN pg_amop o ON d.classid = 'pg_amop'::regclass AND o.oid = d.objid
                     WHERE d.refclassid = 'pg_opclass'::regclass AND d.refobjid = c.oid
                     UNION ALL
                     SELECT 2, p.amprocnum, format('FUNCTION %s (%s, %s) %s', p.amprocnum,
                            format_type(p.amproclefttype, NULL), format_type(p.amprocrighttype, NULL),
                            p.amproc::regprocedure)
                     FROM pg_depend d JOIN pg_amproc p ON d.classid = 'pg_amproc'::regclass AND p.oid = d.objid
                     WHERE d.refclassid = 'pg_opclass'::regclass AND d.refobjid = c.oid) x) members
             WHERE n.oid = c.opcnamespace AND m.oid = c.opcmethod AND f.oid = c.opcfamily AND fn.oid = f.opfnamespace)
            """;

    private CreateObjectSql() {}

    /** Of c in pg_collation. How the catalog keeps a locale changed with PostgreSQL 15 and 17. */
    public static String collation(int majorVersion) {
        String locale = majorVersion >= 17
                ? "'LOCALE = ' || quote_literal(c.colllocale)"
                : majorVersion >= 15
                        ? "'LOCALE = ' || quote_literal(c.colliculocale)"
                        : "CASE WHEN c.collprovider = 'i' THEN 'LOCALE = ' || quote_literal(c.collcollate) END";
        String rules = majorVersion >= 16 ? "'RULES = ' || quote_literal(c.collicurules)" : "NULL";
        return """
                array_remove(ARRAY[
                    (SELECT format('CREATE COLLATION %I.%I (', n.nspname, c.collname)
                         || concat_ws(', ', 'PROVIDER = ' || CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin'
                                                            ELSE 'libc' END,
                               CASE WHEN NOT c.collisdeterministic THEN 'DETERMINISTIC = false' END, :locale,
                               CASE WHEN c.collprovider = 'c' THEN 'LC_COLLATE = ' || quote_literal(c.collcollate) END,
                               CASE WHEN c.collprovider = 'c' THEN 'LC_CTYPE = ' || quote_literal(c.collctype) END,
                               :rules) || ')'
                     FROM pg_namespace n WHERE n.oid = c.collnamespace),
                    (SELECT format('ALTER COLLATION %I.%I OWNER TO %I', n.nspname, c.collname,
                                   pg_get_userbyid(c.collowner))
                     FROM pg_namespace n WHERE n.oid = c.collnamespace),
                    (SELECT format('COMMENT ON COLLATION %I.%I IS ', n.nspname, c.collname)
                         || quote_literal(obj_description(c.oid, 'pg_collation'))
                     FROM pg_namespace n WHERE n.oid = c.collnamespace)], NULL)
                """.replace(":locale", locale).replace(":rules", rules);
    }

    /** {@code  COLLATE name}, where the collation is not that of type b, else nothing. */
    private static String collation(String oid) {
        return "coalesce((SELECT format(' COLLATE %I.%I', qn.nspname, qc.collname) FROM pg_collation qc "
                + "JOIN pg_namespace qn ON qn.oid = qc.collnamespace WHERE qc.oid = " + oid
                + " AND qc.oid <> b.typcollation), '')";
    }

    /** A function's qualified name without its arguments, NULL where there is none. */
    private static String function(String oid) {
        return QUALIFIED.replace(":oid", oid);
    }

    private static String operator(String oid) {
        return "(SELECT format('OPERATOR(%I.%s)', qn.nspname, qo.oprname) FROM pg_operator qo "
                + "JOIN pg_namespace qn ON qn.oid = qo.oprnamespace WHERE qo.oid = " + oid + ")";
    }
}
