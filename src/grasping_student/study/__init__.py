"""The paper's experiments: conditions, stages, results, tables and figures."""
