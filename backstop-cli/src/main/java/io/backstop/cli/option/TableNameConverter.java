package io.backstop.cli.option;

import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.TableReference;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A table's name as somebody typed it, for picocli. */
public final class TableNameConverter implements ITypeConverter<TableReference> {
    @Override
    public TableReference convert(String value) {
        try {
            return TableReference.parse(value);
        } catch (RecoveryException e) {
            throw new TypeConversionException("no table is named");
        }
    }
}
