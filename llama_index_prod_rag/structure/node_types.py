"""What the node types of the grammars mean to the reader of code; no type means something else in another language."""

from __future__ import annotations

FUNCTIONS = frozenset(
    {
        "anonymous_function",
        "arrow_function",
        "compact_constructor_declaration",
        "constructor_declaration",
        "conversion_operator_declaration",
        "create_function",
        "create_procedure",
        "create_trigger",
        "destructor_declaration",
        "function_declaration",
        "function_definition",
        "function_expression",
        "function_item",
        "generator_function_declaration",
        "local_function_statement",
        "method",
        "method_declaration",
        "method_definition",
        "operator_declaration",
        "secondary_constructor",
        "singleton_method",
    }
)
CLASSES = frozenset(
    {
        "abstract_class_declaration",
        "annotation_type_declaration",
        "class",
        "class_declaration",
        "class_definition",
        "class_specifier",
        "companion_object",
        "create_materialized_view",
        "create_table",
        "create_view",
        "enum_declaration",
        "enum_item",
        "enum_specifier",
        "impl_item",
        "interface_declaration",
        "internal_module",
        "mod_item",
        "module",
        "namespace_declaration",
        "namespace_definition",
        "object_declaration",
        "record_declaration",
        "singleton_class",
        "struct_declaration",
        "struct_item",
        "struct_specifier",
        "trait_declaration",
        "trait_item",
        "type_spec",
        "union_item",
        "union_specifier",
    }
)
ENTRIES = frozenset({"block_mapping_pair"})
"""Keys of data whose value stands in lines of its own: each names what is below it."""
DEFINITIONS = FUNCTIONS | CLASSES | ENTRIES
WRAPPERS = frozenset(
    {
        "ambient_declaration",
        "assignment_expression",
        "decorated_definition",
        "export_statement",
        "expression_statement",
        "field_definition",
        "lexical_declaration",
        "public_field_definition",
        "statement",
        "template_declaration",
        "type_declaration",
        "variable_declaration",
        "variable_declarator",
    }
)
"""Nodes around a single definition that belong to it: `export`, `template <...>`, `const f = (...) => {...}`."""
COMMENTS = frozenset({"comment", "line_comment", "block_comment", "marginalia"})
PREFIXES = frozenset(
    {
        "access_specifier",
        "annotation",
        "attribute_item",
        "attribute_list",
        "decorator",
        "inner_attribute_item",
        "marker_annotation",
    }
)
BODIES = frozenset(
    {"block_node", "class_body", "column_definitions", "create_query", "enum_class_body", "function_body"}
)
"""Bodies in grammars that give them no field of that name."""
CONTAINER_ENDINGS = (
    *("block", "body", "_list", "compound_statement", "ERROR", "body_statement", "do_group"),
    *("block_node", "block_mapping", "block_sequence", "document"),
)
STATEMENT_ENDINGS = (
    "statement",
    "declaration",
    "definition",
    "_item",
    "_directive",
    "command",
    "pipeline",
    "variable_assignment",
    "property_declaration",
    "package_header",
    "block_mapping_pair",
    "block_sequence_item",
)
