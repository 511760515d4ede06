"""The wire format of CDS Hooks: requests, responses, discovery and feedback."""
