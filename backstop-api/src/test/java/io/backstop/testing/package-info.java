/** The PostgreSQL and the S3 server that the tests of all modules run against. */
package io.backstop.testing;
