"""SMTP and LMTP without a network: generators that say what goes on the wire and are sent the replies.

Theory of operation. A dialogue (steps.py) yields `Say` and `Hear` steps, and `StartTLS`; whoever drives it
owns the socket and the clock. session.py opens a session; conversation.py sends messages over it, each kept
in a transaction.py record: what was said for it, what was answered, and from which octet on the server had
all of it. What a reply, a refusal or a lost link means for each recipient is read off that record, by one
function, whether the server pipelines or not. Reading order: replies, steps, extensions, session, login,
commands, content, transaction, conversation.
"""
