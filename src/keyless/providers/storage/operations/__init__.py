"""The operations of the Blob protocol, one function each.

A handler reads its request's headers once into typed values, asks the store, and answers. It is called only
after the kernel has authenticated, authorised and audited the request.
"""
