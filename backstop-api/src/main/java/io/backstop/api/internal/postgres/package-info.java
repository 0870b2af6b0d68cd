/** Questions to PostgreSQL's catalog, and its spelling, that several modules need. Not API. */
package io.backstop.api.internal.postgres;
