package io.backstop.cli;

import io.backstop.recovery.RecoveryException;
import io.backstop.recovery.TableSearch;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A table's name as somebody typed it, for picocli. */
final class TypedTable implements ITypeConverter<TableSearch> {
    @Override
    public TableSearch convert(String value) {
        try {
            return TableSearch.parse(value);
        } catch (RecoveryException e) {
            throw new TypeConversionException("no table is named");
        }
    }
}
