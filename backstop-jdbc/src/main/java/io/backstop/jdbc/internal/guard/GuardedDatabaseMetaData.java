package io.backstop.jdbc.internal.guard;

import io.backstop.jdbc.internal.guard.delegating.DelegatingDatabaseMetaData;
import io.backstop.jdbc.internal.pipeline.statement.ServerCall;

import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.ResultSet;
import java.sql.SQLException;

/** Metadata whose connection and result sets are guarded ones. pgjdbc answers it with queries of its own on the catalog. */
final class GuardedDatabaseMetaData extends DelegatingDatabaseMetaData {
    private final GuardedConnection connection;

    GuardedDatabaseMetaData(GuardedConnection connection, DatabaseMetaData metaData) {
        super(metaData);
        this.connection = connection;
    }

    private ResultSet guarded(ServerCall<ResultSet> query) throws SQLException {
        return GuardedValues.resultSet(connection, null, connection.asking(query));
    }

    @Override
    public Connection getConnection() throws SQLException {
        return connection;
    }

    @Override
    public boolean supportsResultSetConcurrency(int type, int concurrency) throws SQLException {
        return concurrency == ResultSet.CONCUR_READ_ONLY && super.supportsResultSetConcurrency(type, concurrency);
    }

    @Override
    public ResultSet getProcedures(String catalog, String schemaPattern, String procedureNamePattern)
            throws SQLException {
        return guarded(() -> super.getProcedures(catalog, schemaPattern, procedureNamePattern));
    }

    @Override
    public ResultSet getProcedureColumns(
            String catalog, String schemaPattern, String procedureNamePattern, String columnNamePattern)
            throws SQLException {
        return guarded(
                () -> super.getProcedureColumns(catalog, schemaPattern, procedureNamePattern, columnNamePattern));
    }

    @Override
    public ResultSet getTables(String catalog, String schemaPattern, String tableNamePattern, String[] types)
            throws SQLException {
        return guarded(() -> super.getTables(catalog, schemaPattern, tableNamePattern, types));
    }

    @Override
    public ResultSet getSchemas() throws SQLException {
        return guarded(() -> super.getSchemas());
    }

    @Override
    public ResultSet getCatalogs() throws SQLException {
        return guarded(() -> super.getCatalogs());
    }

    @Override
    public ResultSet getTableTypes() throws SQLException {
        return guarded(() -> super.getTableTypes());
    }

    @Override
    public ResultSet getColumns(String catalog, String schemaPattern, String tableNamePattern, String columnNamePattern)
            throws SQLException {
        return guarded(() -> super.getColumns(catalog, schemaPattern, tableNamePattern, columnNamePattern));
    }

    @Override
    public ResultSet getColumnPrivileges(String catalog, String schema, String table, String columnNamePattern)
            throws SQLException {
        return guarded(() -> super.getColumnPrivileges(catalog, schema, table, columnNamePattern));
    }

    @Override
    public ResultSet getTablePrivileges(String catalog, String schemaPattern, String tableNamePattern)
            throws SQLException {
        return guarded(() -> super.getTablePrivileges(catalog, schemaPattern, tableNamePattern));
    }

    @Override
    public ResultSet getBestRowIdentifier(String catalog, String schema, String table, int scope, boolean nullable)
            throws SQLException {
        return guarded(() -> super.getBestRowIdentifier(catalog, schema, table, scope, nullable));
    }

    @Override
    public ResultSet getVersionColumns(String catalog, String schema, String table) throws SQLException {
        return guarded(() -> super.getVersionColumns(catalog, schema, table));
    }

    @Override
    public ResultSet getPrimaryKeys(String catalog, String schema, String table) throws SQLException {
        return guarded(() -> super.getPrimaryKeys(catalog, schema, table));
    }

    @Override
    public ResultSet getImportedKeys(String catalog, String schema, String table) throws SQLException {
        return guarded(() -> super.getImportedKeys(catalog, schema, table));
    }

    @Override
    public ResultSet getExportedKeys(String catalog, String schema, String table) throws SQLException {
        return guarded(() -> super.getExportedKeys(catalog, schema, table));
    }

    @Override
    public ResultSet getCrossReference(
            String parentCatalog,
            String parentSchema,
            String parentTable,
            String foreignCatalog,
            String foreignSchema,
            String foreignTable)
            throws SQLException {
        return guarded(() -> super.getCrossReference(
                parentCatalog, parentSchema, parentTable, foreignCatalog, foreignSchema, foreignTable));
    }

    @Override
    public ResultSet getTypeInfo() throws SQLException {
        return guarded(() -> super.getTypeInfo());
    }

    @Override
    public ResultSet getIndexInfo(String catalog, String schema, String table, boolean unique, boolean approximate)
            throws SQLException {
        return guarded(() -> super.getIndexInfo(catalog, schema, table, unique, approximate));
    }

    @Override
    public ResultSet getUDTs(String catalog, String schemaPattern, String typeNamePattern, int[] types)
            throws SQLException {
        return guarded(() -> super.getUDTs(catalog, schemaPattern, typeNamePattern, types));
    }

    @Override
    public ResultSet getSuperTypes(String catalog, String schemaPattern, String typeNamePattern) throws SQLException {
        return guarded(() -> super.getSuperTypes(catalog, schemaPattern, typeNamePattern));
    }

    @Override
    public ResultSet getSuperTables(String catalog, String schemaPattern, String tableNamePattern) throws SQLException {
        return guarded(() -> super.getSuperTables(catalog, schemaPattern, tableNamePattern));
    }

    @Override
    public ResultSet getAttributes(
            String catalog, String schemaPattern, String typeNamePattern, String attributeNamePattern)
            throws SQLException {
        return guarded(() -> super.getAttributes(catalog, schemaPattern, typeNamePattern, attributeNamePattern));
    }

    @Override
    public ResultSet getSchemas(String catalog, String schemaPattern) throws SQLException {
        return guarded(() -> super.getSchemas(catalog, schemaPattern));
    }

    @Override
    public ResultSet getClientInfoProperties() throws SQLException {
        return guarded(() -> super.getClientInfoProperties());
    }

    @Override
    public ResultSet getFunctions(String catalog, String schemaPattern, String functionNamePattern)
            throws SQLException {
        return guarded(() -> super.getFunctions(catalog, schemaPattern, functionNamePattern));
    }

    @Override
    public ResultSet getFunctionColumns(
            String catalog, String schemaPattern, String functionNamePattern, String columnNamePattern)
            throws SQLException {
        return guarded(() -> super.getFunctionColumns(catalog, schemaPattern, functionNamePattern, columnNamePattern));
    }

    @Override
    public ResultSet getPseudoColumns(
            String catalog, String schemaPattern, String tableNamePattern, String columnNamePattern)
            throws SQLException {
        return guarded(() -> super.getPseudoColumns(catalog, schemaPattern, tableNamePattern, columnNamePattern));
    }

    @Override
    public int getMaxCatalogNameLength() throws SQLException {
        return connection.asking(() -> super.getMaxCatalogNameLength());
    }

    @Override
    public int getMaxColumnNameLength() throws SQLException {
        return connection.asking(() -> super.getMaxColumnNameLength());
    }

    @Override
    public int getMaxCursorNameLength() throws SQLException {
        return connection.asking(() -> super.getMaxCursorNameLength());
    }

    @Override
    public int getMaxProcedureNameLength() throws SQLException {
        return connection.asking(() -> super.getMaxProcedureNameLength());
    }

    @Override
    public int getMaxSchemaNameLength() throws SQLException {
        return connection.asking(() -> super.getMaxSchemaNameLength());
    }

    @Override
    public int getMaxTableNameLength() throws SQLException {
        return connection.asking(() -> super.getMaxTableNameLength());
    }

    @Override
    public int getMaxUserNameLength() throws SQLException {
        return connection.asking(() -> super.getMaxUserNameLength());
    }

    @Override
    public int getMaxColumnsInIndex() throws SQLException {
        return connection.asking(() -> super.getMaxColumnsInIndex());
    }

    @Override
    public int getDefaultTransactionIsolation() throws SQLException {
        return connection.asking(() -> super.getDefaultTransactionIsolation());
    }

    @Override
    public String getSQLKeywords() throws SQLException {
        return connection.asking(() -> super.getSQLKeywords());
    }

    @Override
    public <T> T unwrap(Class<T> iface) throws SQLException {
        return GuardedConnection.unwrap(this, iface);
    }

    @Override
    public boolean isWrapperFor(Class<?> iface) {
        return iface.isInstance(this);
    }
}
