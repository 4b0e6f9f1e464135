"""The benchmark's parts: what is measured (applications), who is measured (contenders), how (measure)."""
