"""Federation in: tokens of other issuers as proof of who a client is. Owns whom, what and how far to believe."""
