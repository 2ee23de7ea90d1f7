"""`assay contract`: what data must look like."""
