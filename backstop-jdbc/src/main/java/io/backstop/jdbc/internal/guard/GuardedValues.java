package io.backstop.jdbc.internal.guard;

import org.postgresql.util.PGobject;

import java.sql.Array;
import java.sql.Blob;
import java.sql.Clob;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** Puts what pgjdbc hands out behind the guard, and takes it out again where it is handed back. */
final class GuardedValues {
    private GuardedValues() {}

    /** @param statement the guarded statement that the result set belongs to, or null where it belongs to none */
    static ResultSet resultSet(GuardedConnection connection, Statement statement, ResultSet resultSet)
            throws SQLException {
        return resultSet(connection, statement, resultSet, true);
    }

    /** @param fenced whether it came from behind the read fence */
    static ResultSet resultSet(GuardedConnection connection, Statement statement, ResultSet resultSet, boolean fenced)
            throws SQLException {
        return resultSet == null ? null : new GuardedResultSet(connection, statement, resultSet, fenced);
    }

    static Array array(GuardedConnection connection, Array array) {
        return array == null ? null : new GuardedArray(connection, array);
    }

    static Blob blob(GuardedConnection connection, Blob blob) {
        return blob == null ? null : new GuardedBlob(connection, blob);
    }

    static Clob clob(GuardedConnection connection, Clob clob) {
        return clob == null ? null : new GuardedClob(connection, clob);
    }

    /** A value of a type that is only known when it runs. */
    static Object value(GuardedConnection connection, Object value) throws SQLException {
        if (value instanceof ResultSet resultSet) {
            return resultSet(connection, null, resultSet);
        }
        if (value instanceof Array array) {
            return array(connection, array);
        }
        if (value instanceof Blob blob) {
            return blob(connection, blob);
        }
        if (value instanceof Clob clob) {
            return clob(connection, clob);
        }
        return value;
    }

    /** A value of a type that the caller named; the guarded object is one of that type too where it is an interface. */
    static <T> T value(GuardedConnection connection, T value, Class<T> type) throws SQLException {
        Object guarded = value(connection, value);
        return type.isInstance(guarded) ? type.cast(guarded) : value;
    }

    /** What pgjdbc gave out, where the caller hands back what is around it. */
    static Object behind(Object value) {
        return value instanceof GuardedArray guarded ? guarded.unguarded() : value;
    }

    static Array behind(Array array) {
        return array instanceof GuardedArray guarded ? guarded.unguarded() : array;
    }

    /** The same as a value that pgjdbc sends as text, and so can put into the statement's text. */
    static Object written(Object value) throws SQLException {
        return behind(value) instanceof Array array && !(array instanceof TextArray) ? new TextArray(array) : value;
    }

    /**
     * The same as a value that names one type, whenever it is asked: an object of the caller's own class could name another one
     * to the driver than to the guard. What the driver sends of its content is asked of the driver.
     */
    static Object ofOneType(Object value) throws SQLException {
        if (value instanceof PGobject object) {
            String type = object.getType();
            String content = object.getValue();
            PGobject copy = object.getClass() == PGobject.class ? new PGobject() : new ObjectCopy(object.toString());
            copy.setType(type);
            copy.setValue(content);
            return copy;
        }
        return value instanceof Array array ? ofOneType(array) : value;
    }

    /** The same for an array; one that pgjdbc made for this guard stays as it is, while others have the caller's own inside. */
    static Array ofOneType(Array array) throws SQLException {
        return array == null || array instanceof GuardedArray ? array : new TextArray(array);
    }

    /** Of an object with a text of its own, which pgjdbc sends where it is to be one. */
    private static final class ObjectCopy extends PGobject {
        private static final long serialVersionUID = 1;

        private final String text;

        ObjectCopy(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }
}
