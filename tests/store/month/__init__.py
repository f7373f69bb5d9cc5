"""A month of calls in virtual time on a real store, and a judge that knows no rule of ours."""
