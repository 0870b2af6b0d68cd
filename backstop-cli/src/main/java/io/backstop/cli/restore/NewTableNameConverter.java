package io.backstop.cli.restore;

import io.backstop.api.analysis.RelationName;
import io.backstop.cli.option.TableNameConverter;
import io.backstop.recovery.model.TableReference;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.nio.charset.StandardCharsets;

/** The name that somebody typed for a table to be made, for picocli: one that the server would cut is none. */
final class NewTableNameConverter implements ITypeConverter<TableReference> {
    /** NAMEDATALEN less its zero byte (PostgreSQL documentation, 4.1.1); a longer name is cut, and may be another's then. */
    private static final int LONGEST = 63;

    @Override
    public TableReference convert(String value) {
        TableReference table = new TableNameConverter().convert(value);
        RelationName name = table.name();
        name.schema().ifPresent(NewTableNameConverter::requireShort);
        requireShort(name.name());
        return table;
    }

    private static void requireShort(String name) {
        if (name.getBytes(StandardCharsets.UTF_8).length > LONGEST) {
            throw new TypeConversionException(
                    "\"" + name + "\" is longer than the " + LONGEST + " bytes that a name can have");
        }
    }
}
