"""`assay release …`"""
