"""The live layer: land cover that is predicted while the user pans."""
