/** Approval of single statements by a human: the request, the decision, the port that obtains it. */
package io.backstop.api.approval;
