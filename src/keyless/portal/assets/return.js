// Sends the form of the return page by itself; without scripts its button does.
document.getElementById("return").submit();
