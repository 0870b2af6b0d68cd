package io.backstop.recovery.internal.select;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.ServerIdentity;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.model.ConnectedDatabase;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RecoveryPoint;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Keeps the snapshots of a table apart that are of different servers, or of different histories of one: tables of one name
 * may be in all of them. Stateless.
 *
 * <ol>
 *   <li>Those of the connection's own server, and those that do not say of which server they are, precede all others.
 *   <li>Without any of its own, those of another server count: a new server is filled so. They have to be of one.
 * </ol>
 */
final class ServerSelection {
    private ServerSelection() {}

    /** Those that are of the same server and history as the one that a point names; all where it names none of them. */
    static List<SnapshotManifest> around(Optional<RecoveryPoint> point, List<SnapshotManifest> newestFirst) {
        return point.filter(RecoveryPoint.Statement.class::isInstance)
                .flatMap(
                        named -> newestFirst.stream().filter(named::isReachedBy).findFirst())
                .map(named -> newestFirst.stream()
                        .filter(manifest -> manifest.server().equals(named.server()))
                        .toList())
                .orElse(newestFirst);
    }

    /**
     * @param newestFirst of one table's name, at least one
     * @param notes are added to, where snapshots were passed over, or are of another server
     * @return at least one, in the same order
     * @throws RecoveryException where they are of several servers or histories, and none is known to be of this one
     */
    static List<SnapshotManifest> of(ConnectedDatabase database, List<SnapshotManifest> newestFirst, List<String> notes)
            throws RecoveryException {
        List<SnapshotManifest> known = newestFirst.stream()
                .filter(manifest -> manifest.server().isPresent())
                .toList();
        List<SnapshotManifest> own = known.stream().filter(database::isServerOf).toList();
        if (known.isEmpty()) {
            tellUnknown(newestFirst, notes);
            return newestFirst;
        }
        List<SnapshotManifest> one = own.isEmpty() ? known : own;
        requireOne(database, one);
        List<SnapshotManifest> chosen = own.isEmpty()
                ? known
                : newestFirst.stream()
                        .filter(manifest -> manifest.server().isEmpty() || own.contains(manifest))
                        .toList();
        tellOthers(
                newestFirst.stream()
                        .filter(manifest -> !chosen.contains(manifest))
                        .toList(),
                notes);
        tellUnknown(
                chosen.stream().filter(manifest -> manifest.server().isEmpty()).toList(), notes);
        if (own.isEmpty()) {
            SnapshotManifest newest = chosen.get(0);
            notes.add("no snapshot of " + name(newest) + " is known to be of this server: " + newest.snapshotId()
                    + " was taken on "
                    + newest.server().map(ServerIdentity::toString).orElse("another one")
                    + ", and this is " + database.serverInWords());
        }
        return chosen;
    }

    /** A snapshot of each of several is named, newest first, so that one can be chosen. */
    private static void requireOne(ConnectedDatabase database, List<SnapshotManifest> known) throws RecoveryException {
        Map<Optional<ServerIdentity>, SnapshotManifest> newest = new LinkedHashMap<>();
        known.forEach(manifest -> newest.putIfAbsent(manifest.server(), manifest));
        List<SnapshotManifest> different = new ArrayList<>();
        for (SnapshotManifest manifest : newest.values()) {
            if (different.stream().noneMatch(other -> mayBeOne(other, manifest))) {
                different.add(manifest);
            }
        }
        if (different.size() < 2) {
            return;
        }
        SnapshotManifest first = different.get(0);
        throw new RecoveryException(
                "the snapshots of table " + name(first) + " are of " + different.size()
                        + " servers or histories of a server, none of which is known to be this one, "
                        + database.serverInWords() + ": the newest of each are "
                        + different.stream()
                                .map(manifest -> manifest.snapshotId() + " of " + manifest.createdAt() + " ("
                                        + manifest.server()
                                                .map(ServerIdentity::toString)
                                                .orElse("") + ")")
                                .collect(Collectors.joining(", ")),
                "name the right one: `backstop recover --before ID`, or `backstop restore --snapshot-id ID --table "
                        + first.table() + "`; `backstop snapshots list --table " + first.table() + "` shows all");
    }

    private static boolean mayBeOne(SnapshotManifest a, SnapshotManifest b) {
        return a.server().flatMap(one -> b.server().filter(one::mayBe)).isPresent();
    }

    private static void tellOthers(List<SnapshotManifest> others, List<String> notes) {
        if (!others.isEmpty()) {
            SnapshotManifest newest = others.get(0);
            notes.add(others.size() + (others.size() == 1 ? " snapshot" : " snapshots") + " of " + name(newest)
                    + " of other servers or histories, or that do not say of which server they are, were passed over:"
                    + " the newest is " + newest.snapshotId() + " of " + newest.createdAt()
                    + newest.server().map(server -> " (" + server + ")").orElse("")
                    + "; `recover --before ID` takes one of them");
        }
    }

    private static void tellUnknown(List<SnapshotManifest> unknown, List<String> notes) {
        if (!unknown.isEmpty()) {
            notes.add(unknown.size() + (unknown.size() == 1 ? " snapshot" : " snapshots") + " of "
                    + name(unknown.get(0)) + " do not say of which server they are, "
                    + unknown.get(0).snapshotId() + " among them: they were taken by an earlier version, or in a role"
                    + " that may not execute pg_control_system()");
        }
    }

    private static RelationName name(SnapshotManifest manifest) {
        return RelationName.of(manifest.schema(), manifest.table());
    }
}
