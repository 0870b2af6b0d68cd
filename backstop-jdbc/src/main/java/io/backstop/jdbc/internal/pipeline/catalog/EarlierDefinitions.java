package io.backstop.jdbc.internal.pipeline.catalog;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.MentionedNames;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.internal.analysis.rule.EvaluatingCommands;
import io.backstop.jdbc.internal.analysis.rule.FunctionRules;
import io.backstop.jdbc.policy.Judge;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What the statements of a text define before others of it run: the catalog that was read for all of them does not know it
 * yet. A definition counts as harmless where its text shows that it brings no code along. Confined to one thread.
 */
final class EarlierDefinitions {
    /** They store no expression, and give no other name to what has one. */
    private static final Set<CommandTag> WITHOUT_CODE = EnumSet.of(
            CommandTag.GRANT,
            CommandTag.REVOKE,
            CommandTag.REASSIGN_OWNED,
            CommandTag.COMMENT,
            CommandTag.SECURITY_LABEL,
            CommandTag.CREATE_COLLATION,
            CommandTag.CREATE_DATABASE,
            CommandTag.CREATE_GROUP,
            CommandTag.CREATE_PUBLICATION,
            CommandTag.CREATE_ROLE,
            CommandTag.CREATE_SEQUENCE,
            CommandTag.CREATE_TABLESPACE,
            CommandTag.CREATE_USER,
            CommandTag.ALTER_COLLATION,
            CommandTag.ALTER_DATABASE,
            CommandTag.ALTER_DEFAULT_PRIVILEGES,
            CommandTag.ALTER_GROUP,
            CommandTag.ALTER_INDEX,
            CommandTag.ALTER_LARGE_OBJECT,
            CommandTag.ALTER_PUBLICATION,
            CommandTag.ALTER_ROLE,
            CommandTag.ALTER_SEQUENCE,
            CommandTag.ALTER_STATISTICS,
            CommandTag.ALTER_SYSTEM,
            CommandTag.ALTER_TABLESPACE,
            CommandTag.ALTER_USER);

    /** All code that they store is named in their text. */
    private static final Set<CommandTag> NAMING_CODE = EnumSet.of(
            CommandTag.CREATE_DOMAIN,
            CommandTag.CREATE_INDEX,
            CommandTag.CREATE_MATERIALIZED_VIEW,
            CommandTag.CREATE_POLICY,
            CommandTag.CREATE_SCHEMA,
            CommandTag.CREATE_STATISTICS,
            CommandTag.CREATE_TABLE,
            CommandTag.CREATE_TABLE_AS,
            CommandTag.CREATE_TYPE,
            CommandTag.CREATE_VIEW,
            CommandTag.ALTER_DOMAIN,
            CommandTag.ALTER_MATERIALIZED_VIEW,
            CommandTag.ALTER_POLICY,
            CommandTag.ALTER_TABLE,
            CommandTag.ALTER_VIEW);

    /** With these words they take over or switch on what stands in another definition, or name a function without calling it. */
    private static final Set<String> TAKING_CODE_OVER =
            Set.of("attach", "enable", "inherit", "inherits", "input", "of", "rename", "subtype", "trigger");

    /** Commands in which LIKE takes over what another table has, and is not only an operator. */
    private static final Set<CommandTag> COPYING = EnumSet.of(CommandTag.CREATE_TABLE, CommandTag.CREATE_SCHEMA);

    /** What they make may run with a command that defines something. */
    private static final Set<CommandTag> RUN_BY_DEFINITIONS = EnumSet.of(
            CommandTag.CREATE_EVENT_TRIGGER,
            CommandTag.CREATE_EXTENSION,
            CommandTag.CREATE_FOREIGN_DATA_WRAPPER,
            CommandTag.CREATE_LANGUAGE,
            CommandTag.CREATE_TYPE,
            CommandTag.ALTER_EVENT_TRIGGER,
            CommandTag.ALTER_EXTENSION,
            CommandTag.ALTER_FOREIGN_DATA_WRAPPER,
            CommandTag.ALTER_TYPE);

    private static final Set<CommandTag> OF_FOREIGN_TABLES = EnumSet.of(
            CommandTag.IMPORT_FOREIGN_SCHEMA,
            CommandTag.CREATE_EXTENSION,
            CommandTag.CREATE_FOREIGN_DATA_WRAPPER,
            CommandTag.CREATE_FOREIGN_TABLE,
            CommandTag.CREATE_SERVER,
            CommandTag.ALTER_EXTENSION,
            CommandTag.ALTER_FOREIGN_DATA_WRAPPER,
            CommandTag.ALTER_FOREIGN_TABLE,
            CommandTag.ALTER_SERVER,
            CommandTag.ALTER_USER_MAPPING);

    private final CatalogState state;
    private Optional<CommandTag> code = Optional.empty();
    private Optional<CommandTag> runByDefinitions = Optional.empty();
    private Optional<CommandTag> view = Optional.empty();
    private Optional<CommandTag> foreign = Optional.empty();

    EarlierDefinitions(CatalogState state) {
        this.state = state;
    }

    /** Whether it may leave a definition behind it. */
    static boolean defines(StatementAssessment statement) {
        return statement.tag().compareTo(CommandTag.GRANT) >= 0
                && statement.tag().compareTo(CommandTag.DROP_VIEW) <= 0;
    }

    /** What a statement behind all that were {@linkplain #add added} may run by them. */
    List<Finding> findings(StatementAssessment statement) {
        List<Finding> findings = new ArrayList<>(2);
        boolean evaluates = EvaluatingCommands.evaluates(statement.tag());
        Optional<CommandTag> written = statement.targets().isEmpty() ? Optional.empty() : view;
        (evaluates ? code.or(() -> written) : runByDefinitions)
                .map(tag -> CatalogWeigher.finding("what " + tag.text() + " before it in the text may have brought"))
                .ifPresent(findings::add);
        foreign.filter(tag -> evaluates)
                .map(tag -> new Finding(
                        Judge.FOREIGN_TABLE,
                        RiskLevel.HIGH,
                        "may reach a foreign table by what " + tag.text()
                                + " before it in the text defines, on whose other side anything may run"))
                .ifPresent(findings::add);
        return findings;
    }

    /** Takes account of what a statement may leave behind. */
    void add(StatementAssessment statement) {
        CommandTag tag = statement.tag();
        if (!defines(statement) || tag.compareTo(CommandTag.DROP_ACCESS_METHOD) >= 0) {
            return; // what a dropped name hid was judged, too: names count without their schema
        }
        boolean harmless = WITHOUT_CODE.contains(tag) || namesHarmlessCode(statement);
        if (!harmless) {
            code = Optional.of(tag);
            if (RUN_BY_DEFINITIONS.contains(tag)) {
                runByDefinitions = Optional.of(tag);
            }
        }
        if (tag == CommandTag.CREATE_VIEW) {
            view = Optional.of(tag); // a write through it sets off the triggers of its table
        }
        boolean reaching = state.remote()
                .filter(remote -> !harmless
                        || remote.all().judge(statement.mentions()).danger().isPresent())
                .isPresent();
        if (reaching || OF_FOREIGN_TABLES.contains(tag)) {
            foreign = Optional.of(tag);
        }
    }

    private boolean namesHarmlessCode(StatementAssessment statement) {
        if (!NAMING_CODE.contains(statement.tag())) {
            return false;
        }
        MentionedNames names = statement.mentions();
        for (int i = 0; i < names.size(); i++) {
            String name = names.name(i);
            boolean callable = names.called(i) || names.behindDot(i);
            if (TAKING_CODE_OVER.contains(name)
                    || (name.equals("like") && COPYING.contains(statement.tag()))
                    || (callable && FunctionRules.of(Optional.empty(), name).isPresent())) {
                return false;
            }
        }
        return state.names().judge(names).danger().isEmpty();
    }
}
