//! MCP for hitl.
