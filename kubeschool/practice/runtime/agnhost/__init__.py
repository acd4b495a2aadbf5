"""agnhost, the image of Kubernetes' own end-to-end tests (`test/images/agnhost`): one program with many small servers and tools."""
